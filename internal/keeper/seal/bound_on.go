//go:build !amanah_unbound

package seal

// Binds: a value opens in the place for which it was sealed and nowhere else, and in no older state
// than the head of its person.
const Binds = true
