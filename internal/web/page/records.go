package page

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// takeTime is how long somebody who takes nothing of their records is waited for.
const takeTime = time.Minute

// records gives whoever proved who they are their own records, sealed to the key that
// they typed. What goes wrong after the first byte cuts the connection: age finds what
// is left cut.
func (v *visit) records() {
	if v.p.Records == nil || v.attempt.Partner != 0 {
		v.fail(ErrPage)
		return
	}
	begun := false
	err := v.p.Records.Take(v.r.Context(), v.attempt, strings.TrimSpace(v.r.PostForm.Get("to")), func() io.Writer {
		begun = true
		v.headers()
		h := v.w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Content-Disposition", `attachment; filename="rekam-medis.tar.age"`)
		return &taken{v.w, http.NewResponseController(v.w)}
	})
	switch {
	case err != nil && begun:
		panic(http.ErrAbortHandler)
	case err != nil:
		v.on("phone", "phone", err)
	}
}

// taken puts off the deadline of an answer while it moves.
type taken struct {
	io.Writer
	control *http.ResponseController
}

// Write implements io.Writer.
func (t *taken) Write(p []byte) (int, error) {
	_ = t.control.SetWriteDeadline(time.Now().Add(takeTime)) // a test's recorder has none
	return t.Writer.Write(p)
}
