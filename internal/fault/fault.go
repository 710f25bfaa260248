// Package fault names the kinds of error that every edge can translate.
//
// A fault's text is safe to show to an outsider: it never holds personal data,
// a path, a query or a driver's message. Code wraps a fault with fmt.Errorf and
// %w to tell operators where it happened; edges show only the fault's own text.
// An error that wraps no fault is internal, and outsiders learn nothing of it.
package fault

import (
	"errors"
	"fmt"
)

// Kind says what a caller can do about an error.
type Kind uint8

const (
	// Internal is every error that is not a fault: ours to mend.
	Internal Kind = iota
	// Invalid input: the caller must change what they sent.
	Invalid
	// NotFound: the thing named does not exist, or not for this caller.
	NotFound
	// Conflict with the present state, such as a venue that is full.
	Conflict
	// Denied: the caller may not do this.
	Denied
	// Busy: the same request may succeed later, the caller having asked too much.
	Busy
	// Unavailable: something the platform needs is not there now.
	Unavailable
)

// Kinds lists every kind, for tables that must leave none out.
func Kinds() []Kind {
	return []Kind{Internal, Invalid, NotFound, Conflict, Denied, Busy, Unavailable}
}

// String returns the kind's name as metrics and problem documents show it.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case NotFound:
		return "not-found"
	case Conflict:
		return "conflict"
	case Denied:
		return "denied"
	case Busy:
		return "busy"
	case Unavailable:
		return "unavailable"
	}
	return "internal"
}

// Fault is an error with a kind and a text safe for outsiders.
type Fault struct {
	kind Kind
	text string
}

// New returns a sentinel; compare it with errors.Is.
func New(kind Kind, text string) *Fault { return &Fault{kind, text} }

// Newf is New for texts with values in them; the values must be safe to show.
func Newf(kind Kind, format string, args ...any) *Fault {
	return &Fault{kind, fmt.Sprintf(format, args...)}
}

// Error returns the outsiders' text.
func (f *Fault) Error() string { return f.text }

// Kind returns the fault's kind.
func (f *Fault) Kind() Kind { return f.kind }

// KindOf returns the kind of the first fault that err wraps, or Internal.
func KindOf(err error) Kind {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.kind
	}
	return Internal
}

// Text returns what an outsider may read of err: the text of the first fault
// it wraps, or a constant.
func Text(err error) string {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f.text
	}
	return "internal error"
}
