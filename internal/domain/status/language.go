package status

import (
	"errors"
	"reflect"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/amanah-project/amanah/internal/day"
)

// Bounds of one expression.
const (
	maxExpression = 2000    // characters
	maxNesting    = 2       // lists walked within lists
	maxCost       = 250_000 // CEL's own estimate for the largest evidence
)

// variable is a name that every expression knows.
type variable struct {
	name  string
	typ   *types.Type
	clock clock
	doc   string
}

// variables is the whole vocabulary outside the items of lists.
func variables() []variable {
	return []variable{
		{"age", types.IntType, clockAge, "completed years"},
		{"now", types.TimestampType, clockNow, "the time; compare with timestamp(\"...\") only"},
		{"since_dose", types.IntType, clockDose, "days since the last dose"},
		{"since_positive", types.IntType, clockPositive, "days since the last positive test"},
		{"since_contact", types.IntType, clockContact, "days since the last contact"},
		{"since_recovery", types.IntType, clockRecovery, "days since the last recovery"},
		{"since_arrival", types.IntType, clockArrival, "days since the last arrival"},
		{"since_clearance", types.IntType, clockClearance, "days since the border released the last arrival"},
		{"doses", types.NewListType(doseType()), clockNone, "doses so far, oldest first"},
		{"tests", types.NewListType(testType()), clockNone, "tests so far, oldest first"},
		{"dose_count", types.IntType, clockNone, "days on which a dose was given"},
		{"primary", types.BoolType, clockNone, "the primary course is complete"},
		{"booster", types.BoolType, clockNone, "a dose beyond the primary course was given"},
		{"exempt", types.BoolType, clockNone, "an exemption is valid today"},
		{"asked", types.BoolType, clockNone, "the registry was asked and held nothing"},
		{"cleared", types.BoolType, clockNone, "the border has released the last arrival"},
	}
}

// variableClock returns the clock a variable shows.
func variableClock(name string) clock {
	switch name {
	case "age":
		return clockAge
	case "now":
		return clockNow
	case "since_dose":
		return clockDose
	case "since_positive":
		return clockPositive
	case "since_contact":
		return clockContact
	case "since_recovery":
		return clockRecovery
	case "since_arrival":
		return clockArrival
	case "since_clearance":
		return clockClearance
	}
	return clockNone
}

const doseName, testName = "Dose", "Test"

func doseType() *types.Type { return types.NewObjectType(doseName) }
func testType() *types.Type { return types.NewObjectType(testName) }

// field is a field of an item; get reads it.
type field struct {
	name  string
	typ   *types.Type
	clock clock
	get   func(any) (any, error)
}

// doseFields is what an expression may ask of one dose.
func doseFields() []field {
	return []field{
		{"vaccine", types.StringType, clockNone, of(func(d *doseItem) ref.Val { return types.String(d.Vaccine) })},
		{"abroad", types.BoolType, clockNone, of(func(d *doseItem) ref.Val { return types.Bool(d.Abroad) })},
		{"days", types.IntType, clockDose, of(func(d *doseItem) ref.Val { return types.Int(d.facts.today - d.On) })},
	}
}

// testFields is what an expression may ask of one test. The days after the last
// positive test or contact are -1 for a test that is not after it.
func testFields() []field {
	return []field{
		{"kind", types.StringType, clockNone, of(func(t *testItem) ref.Val { return types.String(t.Kind.String()) })},
		{"positive", types.BoolType, clockNone, of(func(t *testItem) ref.Val { return types.Bool(t.Positive) })},
		{"at", types.TimestampType, clockNone, of(func(t *testItem) ref.Val { return types.Timestamp{Time: t.At} })},
		{"after_positive", types.IntType, clockNone, of((*testItem).afterPositive)},
		{"after_contact", types.IntType, clockNone, of((*testItem).afterContact)},
		{"days", types.IntType, clockTest, of(func(t *testItem) ref.Val { return types.Int(t.facts.today - day.Of(t.At)) })},
		{"hours", types.IntType, clockTestHours, of(func(t *testItem) ref.Val { return types.Int((t.facts.now - minuteOf(t.At)) / 60) })},
	}
}

var errItem = errors.New("status: not an item of this kind")

func of[T any](get func(T) ref.Val) func(any) (any, error) {
	return func(v any) (any, error) {
		item, ok := v.(T)
		if !ok {
			return nil, errItem
		}
		return get(item), nil
	}
}

type doseItem struct {
	facts *facts
	*Dose
}

type testItem struct {
	facts *facts
	*Test
}

func (t *testItem) afterPositive() ref.Val {
	if t.facts.clocks[clockPositive] == never || minuteOf(t.At) <= t.facts.positiveAt {
		return types.Int(-1)
	}
	return types.Int(day.Of(t.At) - t.facts.positive)
}

func (t *testItem) afterContact() ref.Val {
	if t.facts.clocks[clockContact] == never || day.Of(t.At) < t.facts.contact {
		return types.Int(-1)
	}
	return types.Int(day.Of(t.At) - t.facts.contact)
}

// ConvertToNative fails: items do not leave an expression.
func (d *doseItem) ConvertToNative(reflect.Type) (any, error) { return nil, errItem }

// ConvertToType fails: no conversion is in the language.
func (d *doseItem) ConvertToType(ref.Type) ref.Val { return types.WrapErr(errItem) }

// Equal is identity of the record.
func (d *doseItem) Equal(o ref.Val) ref.Val {
	other, ok := o.(*doseItem)
	return types.Bool(ok && d.Dose == other.Dose)
}

// Type returns Dose.
func (d *doseItem) Type() ref.Type { return doseType() }

// Value returns the item itself.
func (d *doseItem) Value() any { return d }

// ConvertToNative fails: items do not leave an expression.
func (t *testItem) ConvertToNative(reflect.Type) (any, error) { return nil, errItem }

// ConvertToType fails: no conversion is in the language.
func (t *testItem) ConvertToType(ref.Type) ref.Val { return types.WrapErr(errItem) }

// Equal is identity of the record.
func (t *testItem) Equal(o ref.Val) ref.Val {
	other, ok := o.(*testItem)
	return types.Bool(ok && t.Test == other.Test)
}

// Type returns Test.
func (t *testItem) Type() ref.Type { return testType() }

// Value returns the item itself.
func (t *testItem) Value() any { return t }

// provider knows the two item types besides CEL's own.
type provider struct {
	*types.Registry
	fields map[string][]field
}

// FindStructType finds an item type by name.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.fields[name]; ok {
		return types.NewTypeTypeWithParam(types.NewObjectType(name)), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldNames lists the fields of an item type.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	all, ok := p.fields[name]
	if !ok {
		return p.Registry.FindStructFieldNames(name)
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = f.name
	}
	return names, true
}

// FindStructFieldType finds one field of an item type.
func (p *provider) FindStructFieldType(name, of string) (*types.FieldType, bool) {
	for _, f := range p.fields[name] {
		if f.name == of {
			return &types.FieldType{Type: f.typ, IsSet: func(any) bool { return true }, GetFrom: f.get}, true
		}
	}
	return nil, false
}

// language compiles expressions. It is made once and never changes.
type language struct {
	env    *cel.Env
	fields map[string]map[string]clock
}

// theLanguage is built on first use: it costs milliseconds and is the same for all.
var theLanguage = sync.OnceValues(newLanguage)

func newLanguage() (*language, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	p := &provider{Registry: registry, fields: map[string][]field{doseName: doseFields(), testName: testFields()}}
	options := []cel.EnvOption{
		cel.CustomTypeAdapter(registry),
		cel.CustomTypeProvider(p),
		cel.ParserExpressionSizeLimit(maxExpression),
		cel.ParserRecursionLimit(32),
		cel.ExpressionNodeLimit(2000),
		cel.ASTValidators(cel.ValidateComprehensionNestingLimit(maxNesting),
			cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals(),
			cel.ValidateHomogeneousAggregateLiterals()),
	}
	for _, v := range variables() {
		options = append(options, cel.VariableWithDoc(v.name, v.typ, v.doc))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	l := &language{env: env, fields: map[string]map[string]clock{}}
	for name, all := range p.fields {
		l.fields[name] = map[string]clock{}
		for _, f := range all {
			l.fields[name][f.name] = f.clock
		}
	}
	return l, nil
}

// sizes tells CEL's cost estimate how large evidence can be.
type sizes struct{}

// EstimateSize bounds lists by MaxItems and texts by the longest there is.
func (sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	switch n.Type().Kind() {
	case types.ListKind:
		return &cost.SizeEstimate{Min: 0, Max: MaxItems}
	case types.StringKind:
		return &cost.SizeEstimate{Min: 0, Max: MaxVaccine}
	}
	return nil
}

// EstimateCallCost leaves calls to CEL's own estimate.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}
