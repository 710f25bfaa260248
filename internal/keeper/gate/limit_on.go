//go:build !amanah_unlimited

package gate

// limitsColours: a person is told so many colours a day and no more.
const limitsColours = true
