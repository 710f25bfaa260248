//go:build !amanah_forgetful

package once

// remembers: a proof is taken once.
const remembers = true
