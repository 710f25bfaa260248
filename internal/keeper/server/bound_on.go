//go:build !amanah_unbound

package server

// binds: a value opens in the place for which it was sealed and nowhere else, and in no older state
// than the head of its person.
const binds = true
