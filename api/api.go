// Package api holds the wire contract, an OpenAPI 3.1 document written by hand.
package api

import _ "embed" // the document

// OpenAPI is the contract, in YAML.
//
//go:embed openapi.yaml
var OpenAPI string
