package api

// ReadApplication reads an application's body.
var ReadApplication = readApplication
