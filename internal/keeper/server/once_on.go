//go:build !amanah_forgetful

package server

// remembers: a proof is taken once.
const remembers = true
