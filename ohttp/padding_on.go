//go:build !amanah_nopadding

package ohttp

// padded: every encapsulated message has the one size of its direction.
const padded = true
