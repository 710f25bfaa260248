//go:build !amanah_nohold

package gate

// holds: answers leave at a moment fixed before they are decided.
const holds = true
