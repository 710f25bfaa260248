package stranger

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf16"
)

// Form is how a table is posted.
type Form struct {
	Ending string
	Write  func(t Table) []byte
}

// Forms are the files that people post.
func Forms() []Form {
	return []Form{
		{"csv", func(t Table) []byte { return separated(t, ',', true) }},
		{"without-header.csv", func(t Table) []byte { return separated(t, ',', false) }},
		{"semicolons.csv", func(t Table) []byte { return separated(t, ';', true) }},
		{"tsv", func(t Table) []byte { return separated(t, '\t', true) }},
		{"utf16.csv", func(t Table) []byte {
			out := []byte{0xff, 0xfe}
			for _, u := range utf16.Encode([]rune(string(separated(t, ',', true)))) {
				out = binary.LittleEndian.AppendUint16(out, u)
			}
			return out
		}},
		{"csv.gz", func(t Table) []byte {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, _ = z.Write(separated(t, ',', true))
			_ = z.Close()
			return b.Bytes()
		}},
		{"ndjson", func(t Table) []byte { return objects(t, "", "\n", "\n") }},
		{"json", func(t Table) []byte { return objects(t, `{"data":[`, ",\n", "]}\n") }},
		{"mysql.sql", mysql},
		{"postgres.sql", postgres},
		{"xlsx", workbook},
	}
}

func separated(t Table, comma rune, header bool) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Comma = comma
	if header {
		_ = w.Write(t.Names)
	}
	_ = w.WriteAll(t.Rows)
	return b.Bytes()
}

func objects(t Table, begin, between, end string) []byte {
	b := []byte(begin)
	for i, row := range t.Rows {
		if i > 0 {
			b = append(b, between...)
		}
		b = append(b, '{')
		for c, v := range row {
			if c > 0 {
				b = append(b, ',')
			}
			name, _ := json.Marshal(t.Names[c])
			value, _ := json.Marshal(v)
			b = append(append(append(b, name...), ':'), value...)
		}
		b = append(b, '}')
	}
	return append(b, end...)
}

func mysql(t Table) []byte {
	var b bytes.Buffer
	b.WriteString("-- MySQL dump 10.13\n\nDROP TABLE IF EXISTS `t`;\nCREATE TABLE `t` (\n")
	for i, n := range t.Names {
		fmt.Fprintf(&b, "  `%s` text%s\n", strings.ReplaceAll(n, "`", ""), map[bool]string{true: ",", false: ""}[i+1 < len(t.Names)])
	}
	b.WriteString(") ENGINE=InnoDB;\n")
	escape := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`)
	for i, row := range t.Rows {
		switch {
		case i%100 == 0 && i > 0:
			b.WriteString(";\nINSERT INTO `t` VALUES (")
		case i == 0:
			b.WriteString("INSERT INTO `t` VALUES (")
		default:
			b.WriteString(",(")
		}
		for c, v := range row {
			if c > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, "'%s'", escape.Replace(v))
		}
		b.WriteByte(')')
	}
	b.WriteString(";\n")
	return b.Bytes()
}

func postgres(t Table) []byte {
	var b bytes.Buffer
	b.WriteString("--\n-- PostgreSQL database dump\n--\n\nCOPY public.t (")
	for i, n := range t.Names {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", n)
	}
	b.WriteString(") FROM stdin;\n")
	escape := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`)
	for _, row := range t.Rows {
		for c, v := range row {
			if c > 0 {
				b.WriteByte('\t')
			}
			if v == "" {
				v = `\N`
			} else {
				v = escape.Replace(v)
			}
			b.WriteString(v)
		}
		b.WriteByte('\n')
	}
	b.WriteString("\\.\n")
	return b.Bytes()
}

func workbook(t Table) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name, text string) {
		w, err := z.Create(name)
		if err == nil {
			_, _ = w.Write([]byte(text))
		}
	}
	put("[Content_Types].xml", "<Types/>")
	put("xl/workbook.xml", "<workbook/>")
	var s strings.Builder
	s.WriteString("<worksheet><sheetData>")
	for _, row := range append([][]string{t.Names}, t.Rows...) {
		s.WriteString("<row>")
		for _, v := range row {
			s.WriteString(`<c t="inlineStr"><is><t>`)
			_ = xml.EscapeText(&s, []byte(v))
			s.WriteString("</t></is></c>")
		}
		s.WriteString("</row>")
	}
	s.WriteString("</sheetData></worksheet>")
	put("xl/worksheets/sheet1.xml", s.String())
	_ = z.Close()
	return b.Bytes()
}

// Posted is a file as it is found, and what was done to make it.
type Posted struct {
	Name string
	File []byte
	Done string
}

// sameColumns gives all tables the columns of each, empty where a copy lacks one.
func sameColumns(tables []Table) {
	var names []string
	for _, t := range tables {
		for _, n := range t.Names {
			if !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
	}
	for i, t := range tables {
		for k, row := range t.Rows {
			out := make([]string, len(names))
			for c, n := range t.Names {
				out[slices.Index(names, n)] = row[c]
			}
			t.Rows[k] = out
		}
		tables[i].Names = slices.Clone(names)
	}
}

// Post makes a file of some copies, all of one export. What is done is drawn by the seed; one
// in four files is cut at its end.
func Post(seed uint64, copies ...[]byte) (Posted, error) {
	r := rand.New(rand.NewPCG(seed, 0x73747261_6e676572))
	var tables []Table
	for _, c := range copies {
		t, err := Read(c)
		if err != nil {
			return Posted{}, err
		}
		tables = append(tables, t.clone())
	}
	sameColumns(tables)
	merges := Merges()
	if len(tables) == 1 {
		merges = merges[:1]
	}
	merge := merges[r.IntN(len(merges))]
	t := merge.Do(r, tables)
	done := []string{merge.Name}
	for _, kind := range []struct {
		name string
		all  []Change
	}{{"values", Values()}, {"rows", Rows()}, {"columns", Columns()}} {
		if len(t.Rows) == 0 || len(t.Names) == 0 {
			break
		}
		c := kind.all[r.IntN(len(kind.all))]
		c.Do(r, &t)
		done = append(done, kind.name+": "+c.Name)
	}
	form := Forms()[r.IntN(len(Forms()))]
	file := form.Write(t)
	done = append(done, form.Ending)
	if r.IntN(4) == 0 && form.Ending != "xlsx" {
		file = file[:len(file)-len(file)/20]
		done = append(done, "cut at its end")
	}
	return Posted{"leak." + form.Ending, file, strings.Join(done, "; ")}, nil
}
