package response

import (
	"fmt"
	"io"
	"strings"

	"github.com/amanah-project/amanah/internal/domain/leak"
)

// grades writes what each verdict that was given means and what would refute it, in both
// languages: whoever is shown the table may have to answer it.
func (c *Case) grades(w io.Writer) {
	all := leak.Grades()
	for i := len(all) - 1; i >= 0; i-- {
		v := leak.Verdict{Grade: all[i]}
		given := 0
		for _, f := range c.Found {
			if f.Grade == v.Grade {
				given++
			}
		}
		if given == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%d %s: %s\nrefuted by: %s\n", given, v.Grade.In(leak.English), v.Grade.Meaning(leak.English), strings.Join(v.Refuted(leak.English), "; "))
		fmt.Fprintf(w, "%d %s: %s\ndibantah oleh: %s\n", given, v.Grade.In(leak.Indonesian), v.Grade.Meaning(leak.Indonesian), strings.Join(v.Refuted(leak.Indonesian), "; "))
	}
}

// tableFiles is how many files that were not read whole are listed.
const tableFiles = 50

// bytes writes how much of the evidence was read, and of each file that was not read whole how
// much was skipped and why. Files have the numbers of result.json, which has them all.
func (c *Case) bytes(w io.Writer) {
	var size, parsed int64
	partly := 0
	for _, f := range c.Files {
		if f.Parent < 0 {
			size += f.Size
		}
		parsed += f.Parsed
		if len(f.Skipped) > 0 {
			partly++
		}
	}
	fmt.Fprintf(w, "\n%d files and entries of archives, %d bytes of files; %d bytes read, unpacked ones too; %d not read whole\n", len(c.Files), size, parsed, partly)
	listed := 0
	for _, f := range c.Files {
		if len(f.Skipped) == 0 {
			continue
		}
		if listed++; listed > tableFiles {
			fmt.Fprintf(w, "and %d more: result.json has them\n", partly-tableFiles)
			return
		}
		var why []string
		for _, s := range f.Skipped {
			why = append(why, fmt.Sprintf("%d %s", s.Bytes, s.Why))
		}
		fmt.Fprintf(w, "file %d, %s, %d bytes, %d read, skipped: %s\n", f.Number, f.Kind, f.Size, f.Parsed, strings.Join(why, "; "))
	}
}
