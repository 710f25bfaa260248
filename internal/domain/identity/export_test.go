package identity

// DrawOneTime draws a code from a source of the test's own.
var DrawOneTime = drawOneTime
