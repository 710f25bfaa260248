package status

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// flaw is what is wrong with an expression, where in its text, and the remedy.
type flaw struct {
	line, column int // from 1
	what, mend   string
}

// operations are the overloads an expression may use: those that cannot fail.
// Timestamps and durations may be made from constants alone.
func operations() []string {
	return []string{
		"logical_and", "logical_or", "logical_not", "conditional", "not_strictly_false",
		"equals", "not_equals", "in_list", "size_list", "list_size", "add_list",
		"less_int64", "less_equals_int64", "greater_int64", "greater_equals_int64",
		"less_timestamp", "less_equals_timestamp", "greater_timestamp", "greater_equals_timestamp",
		"less_duration", "less_equals_duration", "greater_duration", "greater_equals_duration",
		"subtract_timestamp_timestamp", "string_to_timestamp", "string_to_duration",
	}
}

// compile reads one condition and adds its thresholds to t. When there are flaws
// the program is nil.
func (l *language) compile(text string, t *thresholds) (cel.Program, []flaw) {
	checked, issues := l.env.Compile(text)
	if issues.Err() != nil {
		return nil, flawsOf(issues)
	}
	if !checked.OutputType().IsExactType(types.BoolType) {
		return nil, []flaw{{1, 1, fmt.Sprintf("the condition gives %s, not true or false", checked.OutputType()), "compare it with something"}}
	}
	w := &walker{language: l, ast: checked.NativeRep(), thresholds: t}
	w.walk(ast.NavigateAST(w.ast))
	if len(w.flaws) > 0 {
		return nil, w.flaws
	}
	estimate, err := l.env.EstimateCost(checked, sizes{})
	if err != nil {
		return nil, []flaw{{1, 1, "the condition's cost cannot be bounded", "write it with fewer lists within lists"}}
	}
	if estimate.Max > maxCost {
		return nil, []flaw{{1, 1, fmt.Sprintf("the condition may cost %d, more than %d", estimate.Max, maxCost), "walk lists within lists less often"}}
	}
	program, err := l.env.Program(checked, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return nil, []flaw{{1, 1, "the condition does not plan: " + oneLine(err.Error()), "write it more simply"}}
	}
	return program, nil
}

func flawsOf(issues *cel.Issues) []flaw {
	var out []flaw
	for _, e := range issues.Errors() {
		f := flaw{line: e.Location.Line(), column: e.Location.Column() + 1, what: oneLine(e.Message)}
		switch {
		case strings.Contains(f.what, "undeclared reference"):
			f.mend = "the names are " + strings.Join(names(), ", ") + "; lists have exists, all, filter, map and size"
		case strings.Contains(f.what, "undefined field"):
			f.mend = "a dose has vaccine, abroad, days; a test has kind, positive, at, days, hours, after_positive, after_contact"
		case strings.Contains(f.what, "no matching overload"):
			f.mend = "both sides of a comparison must be of one type: numbers without point, texts in quotes"
		default:
			f.mend = "correct the expression"
		}
		out = append(out, f)
	}
	return out
}

func names() []string {
	var out []string
	for _, v := range variables() {
		out = append(out, v.name)
	}
	return out
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// walker holds an expression to the language of rules. What it lets pass cannot
// fail, and can change its value with time only at thresholds that it noted.
type walker struct {
	*language
	ast        *ast.AST
	thresholds *thresholds
	flaws      []flaw
}

func (w *walker) flaw(e ast.Expr, what, mend string) {
	at := w.ast.SourceInfo().GetStartLocation(e.ID())
	f := flaw{max(1, at.Line()), max(0, at.Column()) + 1, what, mend}
	if !slices.Contains(w.flaws, f) {
		w.flaws = append(w.flaws, f)
	}
}

func (w *walker) walk(e ast.NavigableExpr) {
	if e.Type().Kind() == types.DynKind {
		w.flaw(e, "this value's type is not known beforehand", "do not mix types in a list or a choice")
		return
	}
	switch e.Kind() {
	case ast.IdentKind:
		w.turn(e, variableClock(e.AsIdent()), e.AsIdent())
	case ast.SelectKind:
		w.selected(e)
	case ast.CallKind:
		w.call(e)
	case ast.MapKind, ast.StructKind:
		w.flaw(e, "maps and messages are not in the language of rules", "compare the fields one by one")
	}
	for _, c := range e.Children() {
		w.walk(c)
	}
}

func (w *walker) selected(e ast.NavigableExpr) {
	s := e.AsSelect()
	if s.IsTestOnly() {
		w.flaw(e, "has() is not in the language of rules", "every field is always there: leave it out")
		return
	}
	fields, ok := w.fields[w.ast.GetType(s.Operand().ID()).TypeName()]
	if !ok {
		w.flaw(e, "only doses and tests have fields", "walk doses or tests with exists, all or filter")
		return
	}
	w.turn(e, fields[s.FieldName()], s.FieldName())
}

func (w *walker) call(e ast.NavigableExpr) {
	call := e.AsCall()
	allowed := operations()
	for _, id := range w.ast.ReferenceMap()[e.ID()].OverloadIDs {
		if !slices.Contains(allowed, id) {
			w.flaw(e, fmt.Sprintf("%s is not in the language of rules", strings.Trim(call.FunctionName(), "_@")),
				"use comparisons, &&, ||, !, ?:, in, exists, all, filter, map, size, and differences of a test's at")
			return
		}
	}
	switch call.FunctionName() {
	case "timestamp", "duration":
		w.literalTime(e)
	}
}

// literalTime holds constants of time to the range in which differences of two
// times fit a duration.
func (w *walker) literalTime(e ast.NavigableExpr) {
	args := e.AsCall().Args()
	if len(args) != 1 || args[0].Kind() != ast.LiteralKind {
		w.flaw(e, "a time is not made from a constant", "write the text into the brackets")
		return
	}
	if e.AsCall().FunctionName() != "timestamp" {
		return
	}
	if _, ok := timeConstant(e); !ok {
		w.flaw(e, "the time is before 1900, after 2149 or not a whole minute", "write it like timestamp(\"2021-12-14T00:00:00+07:00\")")
	}
}

// timeConstant reads timestamp("...").
func timeConstant(e ast.Expr) (minute, bool) {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != "timestamp" {
		return 0, false
	}
	args := e.AsCall().Args()
	if len(args) != 1 || args[0].Kind() != ast.LiteralKind {
		return 0, false
	}
	s, ok := args[0].AsLiteral().Value().(string)
	if !ok {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339, s)
	m := minuteOf(t)
	return m, err == nil && m.time().Equal(t) && m >= startOf(firstDay) && m < startOf(lastDay)
}

// turn notes the thresholds at which a comparison of a clock turns, and refuses
// every other use of a clock.
func (w *walker) turn(e ast.NavigableExpr, c clock, name string) {
	if c == clockNone {
		return
	}
	mend := fmt.Sprintf("write it like %s < 10, with a whole number of 0 to %d", name, c.most())
	if c == clockNow {
		mend = "write it like now < timestamp(\"2021-12-14T00:00:00+07:00\")"
	}
	function, other, ok := comparison(e)
	if !ok {
		w.flaw(e, name+" moves with time, and may only be compared with a constant", mend)
		return
	}
	v, ok := constantFor(c, other)
	if !ok {
		w.flaw(e, name+" is compared with something else than a constant of its range", mend)
		return
	}
	switch function {
	case operators.Less, operators.GreaterEquals:
		w.thresholds.add(c, v)
	case operators.LessEquals, operators.Greater:
		w.thresholds.add(c, v+1)
	default:
		w.thresholds.add(c, v)
		w.thresholds.add(c, v+1)
	}
}

// comparison returns the function that compares e, as read with e on the left,
// and the other side.
func comparison(e ast.NavigableExpr) (string, ast.Expr, bool) {
	parent, ok := e.Parent()
	if !ok || parent.Kind() != ast.CallKind {
		return "", nil, false
	}
	call := parent.AsCall()
	args := call.Args()
	if len(args) != 2 || call.IsMemberFunction() {
		return "", nil, false
	}
	mirrored := map[string]string{
		operators.Less: operators.Greater, operators.Greater: operators.Less,
		operators.LessEquals: operators.GreaterEquals, operators.GreaterEquals: operators.LessEquals,
		operators.Equals: operators.Equals, operators.NotEquals: operators.NotEquals,
	}
	function := call.FunctionName()
	if _, ok := mirrored[function]; !ok {
		return "", nil, false
	}
	if args[0].ID() == e.ID() {
		return function, args[1], true
	}
	return mirrored[function], args[0], true
}

func constantFor(c clock, e ast.Expr) (int64, bool) {
	if c == clockNow {
		m, ok := timeConstant(e)
		return int64(m), ok
	}
	if e.Kind() != ast.LiteralKind {
		return 0, false
	}
	v, ok := e.AsLiteral().(types.Int)
	return int64(v), ok && v >= 0 && int64(v) <= c.most()
}
