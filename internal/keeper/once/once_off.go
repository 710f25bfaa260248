//go:build amanah_forgetful

package once

// remembers is off in this build, which exists so that an attack test can see a
// proof taken by two servers. Never release it.
const remembers = false
