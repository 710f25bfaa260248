package response

// Recognised is what s is taken to be.
var Recognised = recognised
