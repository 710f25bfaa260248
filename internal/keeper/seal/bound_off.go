//go:build amanah_unbound

package seal

// Binds is off in this build, which exists so that a test can see edits of a database get
// through without associated data and heads. Never release it.
const Binds = false
