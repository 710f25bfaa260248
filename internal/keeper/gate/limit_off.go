//go:build amanah_unlimited

package gate

// limitsColours is off in a build that a test makes to see that polling
// would be found. Never release it.
const limitsColours = false
