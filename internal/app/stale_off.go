//go:build amanah_stale

package app

// failsClosed is off in this build, which exists so that an attack test can see a
// suspended partner served by a server that is cut off. Never release it.
const failsClosed = false
