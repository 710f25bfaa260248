//go:build amanah_nohold

package gate

// holds is off in this build, which exists so that an attack test can see colours
// told by time. Never release it.
const holds = false
