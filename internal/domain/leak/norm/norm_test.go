package norm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/amanah-project/amanah/internal/domain/leak/norm"
)

func TestNIK(t *testing.T) {
	const want = norm.NIK(9910105708900001)
	for _, s := range []string{
		"9910105708900001", " 9910105708900001 ", "'9910105708900001", `"9910105708900001"`, "9910.1057.0890.0001",
		"9910 1057 0890 0001", "99-10-10-570890-0001", "9910105708900001.0", "9910105708900001.00", "9910105708900001\u00a0",
	} {
		if got, ok := norm.ParseNIK([]byte(s)); !ok || got != want {
			t.Errorf("%q: %d %t", s, uint64(got), ok)
		}
	}
	for _, s := range []string{"", "991010570890000", "99101057089000011", "9910107208900001", "9910105713900001", "0010105708900001",
		"9900105708900001", "991010570890000x", "9.9E+15", "9.91010570890E+15", "+62 812 3456 7890 12"} {
		if got, ok := norm.ParseNIK([]byte(s)); ok {
			t.Errorf("%q is taken for %d", s, uint64(got))
		}
	}
	// What a spreadsheet makes of it: fifteen digits are left.
	for _, s := range []string{"9910105708900000", "9.91010570890000E+15", "9,91010570890000E+15"} {
		got, ok := norm.ParseNIK([]byte(s))
		if !ok || !got.Rounded() || got.Short() != want.Short() {
			t.Errorf("%q: %d %t", s, uint64(got), ok)
		}
	}
	if s := fmt.Sprintf("%v %s %#v %d", want, want, want, want); strings.Contains(fmt.Sprint(want), "99") {
		t.Error("a NIK prints: " + s)
	}
}

func TestPhonesOfOneNumber(t *testing.T) {
	for _, s := range []string{"081234567890", "+6281234567890", "6281234567890", "+62 812-3456-7890", "0812 3456 7890",
		"006281234567890", "81234567890", "'081234567890", "+62 (0)812 3456 7890", "0812.3456.7890", "6281234567890.0"} {
		if got, ok := norm.ParsePhone([]byte(s)); !ok || got != 6281234567890 {
			t.Errorf("%q: %d %t", s, got, ok)
		}
	}
	for _, s := range []string{"", "0812", "2021-01-05x", "12345678901234567890", "1234567"} {
		if got, ok := norm.ParsePhone([]byte(s)); ok {
			t.Errorf("%q is taken for %d", s, got)
		}
	}
}

func TestDatesInEveryOrder(t *testing.T) {
	for _, s := range []string{"1990-08-17", "17-08-1990", "17/08/1990", "08/17/1990", "17.8.1990", "19900817", "17081990",
		"17 Agustus 1990", "17-Aug-90", "August 17, 1990", "1990/8/17", "17 AGT 1990", "1990-08-17T00:00:00+07:00",
		"1990-08-17 10:11:12.123", "17-08-90"} {
		got := norm.Dates(nil, []byte(s))
		found := false
		for _, d := range got {
			found = found || d == 19900817
		}
		if !found || len(got) > norm.MaxDates {
			t.Errorf("%q: %v", s, got)
		}
	}
	if got := norm.Dates(nil, []byte("05/06/1990")); !cmp.Equal(got, []norm.Date{19900605, 19900506}) {
		t.Errorf("either order: %v", got)
	}
	for _, s := range []string{"", "1990-02-30", "31/04/1990", "1990", "12345", "hello", "99/99/9999"} {
		if got := norm.Dates(nil, []byte(s)); len(got) > 0 {
			t.Errorf("%q: %v", s, got)
		}
	}
	for s, want := range map[string]norm.Date{"33102": 19900817, "61": 19000301, "33102.5": 19900817} {
		if got, ok := norm.FromSerial([]byte(s)); !ok || got != want {
			t.Errorf("serial %s: %d %t", s, got, ok)
		}
	}
}

func TestMinutes(t *testing.T) {
	at := time.Date(2022, 1, 6, 3, 4, 0, 0, time.UTC)
	want := norm.MinuteOf(at)
	if want.Time() != at {
		t.Error(want.Time())
	}
	for _, s := range []string{"2022-01-06T03:04:05Z", "2022-01-06T10:04:05+07:00", "2022-01-06T10:04:05.123456789+07:00", "2022-01-06 10:04:05",
		"06/01/2022 10:04:00", "2022-01-06 11:04:05", "2022-01-06 03:04:59.5", "2022-01-06 10:04 WIB", "2022-01-06 12:04 WIT", "2022-01-06T10:04:05+0700", "2022-01-05T22:04:05-05:00"} {
		found := false
		for _, m := range norm.Minutes(nil, []byte(s)) {
			found = found || m == want
		}
		if !found {
			t.Errorf("%q: %v, not %v", s, norm.Minutes(nil, []byte(s)), want)
		}
	}
	for _, s := range []string{"", "2022-01-06", "2022-01-06 25:00:00", "10:04:05"} {
		if got := norm.Minutes(nil, []byte(s)); len(got) > 0 {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestNames(t *testing.T) {
	var w norm.Words
	for want, spellings := range map[string][]string{
		"RAHMA SITI":     {"Siti Rahma", "RAHMA, SITI", "siti  rahma", "Hj. Siti Rahma, S.Pd.", "dr. Siti Rahma, M.Kes", "Sïti Ráhma", "Ny. SITI RAHMA", "Siti Rahma, S.Pd.I"},
		"NURAINI":        {"Nur'aini", "NUR’AINI", "nuraini"},
		"ALI MUH":        {"Muh. Ali", "Muh.Ali", "ALI MUH"},
		"BUDI M SANTOSO": {"M. Budi Santoso", "M Budi Santoso"},
	} {
		for _, s := range spellings {
			if got := string(w.Name(nil, []byte(s))); got != want {
				t.Errorf("%q gives %q, not %q", s, got, want)
			}
		}
	}
	for _, s := range []string{"", "123", strings.Repeat("a ", 17), strings.Repeat("a", 301)} {
		if got := w.Name(nil, []byte(s)); len(got) > 0 {
			t.Errorf("%q gives %q", s, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	var w norm.Words
	const want = "JALAN MELATI NO 7 RT 1 RW 8 KELURAHAN CEMPAKA"
	for _, s := range []string{
		"Jl. Melati No. 7 RT 1/RW 8 Kel. Cempaka", "Jalan Melati No 7, RT 001/RW 008, Kelurahan Cempaka", "JLN MELATI NOMOR 07 RT.001/008 KEL CEMPAKA",
		"jl melati no.7 rt001/rw008 kel.cempaka", "Jl. Melati No. 7 RT/RW 001/008 Kel. Cempaka", "Jl Melati No 7 RT 1 RW 8 Kel Cempaka",
	} {
		if got := string(w.Address(nil, []byte(s))); got != want {
			t.Errorf("%q gives %q", s, got)
		}
	}
	if got := string(w.Address(nil, []byte("Jl. Melati No. 70 RT 10 RW 080"))); got != "JALAN MELATI NO 70 RT 10 RW 80" {
		t.Error(got)
	}
}

func TestRecordsAndMarks(t *testing.T) {
	for _, s := range []string{"123-65538", "Observation/123-65538", "https://x.example/fhir/Observation/123-65538/_history/2", `"123-65538"`} {
		if p, n, ok := norm.ParseRecord([]byte(s)); p != 123 || n != 65538 || !ok {
			t.Errorf("%q: %d %d %t", s, p, n, ok)
		}
	}
	if p, n, ok := norm.ParseRecord([]byte("Patient/123")); p != 123 || n != 0 || !ok {
		t.Error("a patient is no record")
	}
	for _, s := range []string{"123", "2021-1", "0123-65538", "a-65538", "123-65538-1", ""} {
		if _, _, ok := norm.ParseRecord([]byte(s)); ok {
			t.Errorf("%q is a record", s)
		}
	}
	want := [8]byte{0xDE, 0xAD, 0xBE, 0xEF, 1, 2, 3, 4}
	for _, s := range []string{"deadbeef01020304", "DEADBEEF01020304", "32W353YBAIBQI===", "32w353ybaibqi"} {
		if got, ok := norm.ParseMark([]byte(s)); !ok || got != want {
			t.Errorf("%q: %x %t", s, got, ok)
		}
	}
	if _, ok := norm.ParseMark([]byte("9910105708900001")); ok {
		t.Error("a NIK is taken for a token")
	}
}

func TestColumnsByContent(t *testing.T) {
	for want, values := range map[norm.Type][]string{
		norm.Person:  {"9910105708900001", "'9910105708900002", "9910.1057.0890.0003", ""},
		norm.Birth:   {"17/08/1990", "1/2/1991", "NULL", "31/12/2000"},
		norm.Serial:  {"33102", "33103", "33104", "29000", "41000", "20111", "33105", "33106"},
		norm.Phone:   {"081234567890", "+62 812-3456-7890", "6281234567891"},
		norm.Name:    {"Siti Rahma", "BUDI SANTOSO", "Dr. Ali"},
		norm.Address: {"Jl. Melati No. 7 RT 001/RW 008", "Jalan Mawar 12", "Dusun Krajan RT 1/RW 2"},
		norm.Record:  {"123-65538", "124-65540"},
		norm.Moment:  {"2022-01-06T03:04:05Z", "2022-01-06 10:04:05"},
		norm.Place:   {"RSUD Kota", "Puskesmas Melati", "rs-99-001"},
		norm.Mark:    {"deadbeef01020304", "0123456789abcdef"},
		norm.Digest:  {strings.Repeat("ab", 32)},
		norm.Other:   {"12", "7", "1234567"},
	} {
		var c norm.Column
		for _, v := range values {
			c.Add([]byte(v))
		}
		if got := c.Type(); got != want {
			t.Errorf("%q: %v, not %v", values, got, want)
		}
	}
	for _, names := range []int{1, 2, 5} { // a person's own row, and as many of records
		var c norm.Column
		for i := range 30 {
			c.Add(fmt.Append(nil, 100+i))
			for k := range names {
				c.Add(fmt.Appendf(nil, "%d-%d", 100+i, 65538+k))
			}
		}
		if got := c.Type(); got != norm.Record {
			t.Errorf("%d records to a person: %v", names, got)
		}
	}
	var c norm.Column
	for i := range 100 { // one broken value in four does not hide a column
		if i%4 == 0 {
			c.Add([]byte("?"))
		} else {
			c.Add(fmt.Appendf(nil, "99101057089%05d", i))
		}
	}
	if c.Type() != norm.Person {
		t.Error(c.Type())
	}
}

// TestSpellingsOfOneNumber: whatever stands among the digits of any NIK or telephone number,
// the same number comes out.
func TestSpellingsOfOneNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nik := fmt.Sprintf("99%02d%02d%02d%02d%02d%04d", rapid.IntRange(1, 99).Draw(t, "a"), rapid.IntRange(1, 99).Draw(t, "b"),
			rapid.SampledFrom([]int{1, 28, 41, 71}).Draw(t, "d"), rapid.IntRange(1, 12).Draw(t, "m"), rapid.IntRange(0, 99).Draw(t, "y"), rapid.IntRange(1, 9999).Draw(t, "s"))
		var b strings.Builder
		for i, c := range nik {
			if i > 0 && rapid.IntRange(0, 3).Draw(t, "at") == 0 {
				b.WriteString(rapid.SampledFrom([]string{".", " ", "-"}).Draw(t, "sep"))
			}
			b.WriteRune(c)
		}
		want, ok := norm.ParseNIK([]byte(nik))
		got, also := norm.ParseNIK([]byte(b.String()))
		if !ok || !also || got != want || fmt.Sprint(uint64(got)) != nik {
			t.Fatalf("%q %q: %d %d", nik, b.String(), uint64(want), uint64(got))
		}
	})
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"9910105708900001", "9.91010570890000E+15", "17 Agustus 1990", "Hj. Siti Rahma, S.Pd.I", "Jl. Melati RT/RW 001/008", "+62 812",
		"Patient/123", "32W353YBAIBQI===", "2022-01-06T10:04:05+07:00", "\xff\xfe", "é", "'", "RT", "RT/", "-", "\u00a0"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var w norm.Words
		kept := string(b)
		norm.ParseNIK(b)
		norm.ParsePhone(b)
		norm.Dates(nil, b)
		norm.FromSerial(b)
		norm.Minutes(nil, b)
		norm.ParseRecord(b)
		norm.ParseMark(b)
		norm.ParseDigest(b)
		norm.Guess(b)
		name := w.Name(nil, b)
		if again := w.Name(nil, name); string(again) != string(name) && !strings.ContainsFunc(string(name), func(r rune) bool { return r > 127 }) && len(again) > 0 && strings.Count(string(again), " ") == strings.Count(string(name), " ") {
			t.Errorf("%q, then %q", name, again)
		}
		w.Address(nil, b)
		w.Facility(nil, b)
		if string(b) != kept {
			t.Error("the input was changed")
		}
	})
}

// TestMinutesAreTheCalendars: of any day and zone they are what package time says.
func TestMinutesAreTheCalendars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Date(rapid.IntRange(1850, 2150).Draw(t, "y"), time.Month(rapid.IntRange(1, 12).Draw(t, "m")), rapid.IntRange(1, 28).Draw(t, "d")+rapid.IntRange(0, 2).Draw(t, "e"),
			rapid.IntRange(0, 23).Draw(t, "h"), rapid.IntRange(0, 59).Draw(t, "min"), 0, 0, time.UTC)
		off := 15 * rapid.IntRange(-44, 44).Draw(t, "off")
		zone := fmt.Sprintf("%+03d:%02d", off/60, max(off, -off)%60)
		if off < 0 {
			zone = fmt.Sprintf("-%02d:%02d", -off/60, -off%60)
		}
		text := at.Format("2006-01-02T15:04:05")
		want := norm.MinuteOf(at.Add(-time.Duration(off) * time.Minute))
		if got := norm.Minutes(nil, []byte(text+zone)); len(got) != 1 || got[0] != want {
			t.Fatalf("%s%s is %v, want %d", text, zone, got, want)
		}
		var all []norm.Minute
		for _, h := range []int{7, 0, 8, 9} {
			all = append(all, norm.MinuteOf(at.Add(-time.Duration(h)*time.Hour)))
		}
		if got := norm.Minutes(nil, []byte(text)); !slices.Equal(got, all) {
			t.Fatalf("%s is %v, want %v", text, got, all)
		}
	})
}
