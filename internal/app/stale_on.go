//go:build !amanah_stale

package app

// failsClosed: nobody is served over partners' states that are old.
const failsClosed = true
