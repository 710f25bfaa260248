//go:build !amanah_unbound

package vault

// binds: a record opens in the place for which it was sealed and nowhere else.
const binds = true
