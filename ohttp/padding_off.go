//go:build amanah_nopadding

package ohttp

// padded is off in this build, which exists so that an attack test can see the
// promise of one size fail. Never release it.
const padded = false
