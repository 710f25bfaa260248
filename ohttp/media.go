package ohttp

const (
	// MediaTypeRequest is the type of an encapsulated request (RFC 9458 §9.2).
	MediaTypeRequest = "message/ohttp-req"
	// MediaTypeResponse is the type of an encapsulated response (RFC 9458 §9.3).
	MediaTypeResponse = "message/ohttp-res"
	// MediaTypeKeys is the type of what AppendConfigs writes (RFC 9458 §9.1).
	MediaTypeKeys = "application/ohttp-keys"
	// MediaTypeSignedKeys is the type of what SignConfigs returns. It is not
	// registered with IANA.
	MediaTypeSignedKeys = "application/vnd.amanah.ohttp-keys-signed"

	// WellKnownPath is where a gateway serves its keys (RFC 9540 §4): a GET that
	// accepts MediaTypeSignedKeys is answered with the signed envelope, one that
	// accepts MediaTypeKeys with the bare list.
	WellKnownPath = "/.well-known/ohttp-gateway"

	// ProblemKey is the problem type for ErrKeyID, answered with status 400 and
	// application/problem+json (RFC 9458 §5.3).
	ProblemKey = "https://iana.org/assignments/http-problem-types#ohttp-key"
)
