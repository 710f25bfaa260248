package certify

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
)

// planted marks values that a device sends and the platform must never see.
const planted = "planted-7f3a"

// relayHeaders are the cases of what a relay adds or passes on beside the body.
func relayHeaders() []Case {
	return []Case{
		{
			ID: "relay/no-address", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak memberi tahu platform alamat perangkat", "Does not tell the platform the device's address"},
			How:   "Looks at the headers of every message that arrived for `X-Forwarded-For`, `Forwarded`, `X-Real-IP` and the like, and for the sender's address in any other.",
			check: func(ctx context.Context, r *run) finding { return headersOf(ctx, r, classAddress) },
		},
		{
			ID: "relay/no-passing", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak meneruskan tajuk dari perangkat", "Passes no header of the device on"},
			How:   "Sends messages with cookies, `User-Agent`, `Authorization`, `Accept-Language`, `Referer`, trace and request ids of planted values; none may arrive.",
			check: func(ctx context.Context, r *run) finding { return headersOf(ctx, r, classPassed) },
		},
		{
			ID: "relay/no-tracing", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak menambah tajuk sendiri", "Adds no header of its own"},
			How:   "Every message may arrive with `Host`, `Content-Type`, `Content-Length`, `Transfer-Encoding`, `Authorization`, `DPoP`, `Accept`, `Accept-Encoding`, `Connection`, `Via` without an address and a constant `User-Agent`, and with nothing else: no trace, request or session id.",
			check: func(ctx context.Context, r *run) finding { return headersOf(ctx, r, classForeign) },
		},
		{
			ID: "relay/no-marks", Subject: OfRelay, Hostile: true,
			Title: Text{"Tidak menandai perangkat dalam jawaban", "Does not mark the device in an answer"},
			How:   "No answer to a message may carry `Set-Cookie`, `ETag`, `Last-Modified`, `NEL`, `Report-To`, `Reporting-Endpoints`, `Alt-Svc` or `Refresh`.",
			check: noMarks,
		},
		{
			ID: "relay/no-store", Subject: OfRelay,
			Title: Text{"Jawaban tidak boleh disimpan di jalan", "Answers may not be stored on the way"},
			How:   "The platform's answers carry `Cache-Control: no-store`; so must the relay's, and neither `Age` nor `Expires`.",
			check: noStore,
		},
	}
}

// class is what is wrong with a header that a relay sent on.
type class int

const (
	classRight class = iota
	classAddress
	classPassed
	classForeign
)

// allowed are the headers that a message may arrive with.
func allowed() []string {
	return []string{
		"Content-Type", "Content-Length", "Transfer-Encoding", "Authorization", "Dpop", "Accept", "Accept-Encoding", "Connection",
		"Keep-Alive", "Te", "User-Agent", "Via",
	}
}

// addressed are the headers that exist to carry a sender's address.
func addressed() []string {
	return []string{
		"Forwarded", "X-Forwarded-For", "X-Forwarded", "Forwarded-For", "X-Real-Ip", "X-Client-Ip", "Client-Ip", "True-Client-Ip",
		"X-Cluster-Client-Ip", "Cf-Connecting-Ip", "Fastly-Client-Ip", "X-Originating-Ip", "X-Remote-Addr", "X-Envoy-External-Address",
	}
}

// classify says what is wrong with one header, the worst first, each header once.
func classify(name, value string, local map[string]bool) class {
	if name == "Authorization" || name == "Dpop" {
		if strings.Contains(value, planted) {
			return classPassed
		}
		return classRight // the credential's cases judge them
	}
	switch {
	case slices.Contains(addressed(), name), holdsAddress(value, local), name == "Via" && holdsAddress(value, nil):
		return classAddress
	case strings.Contains(value, planted):
		return classPassed
	case !slices.Contains(allowed(), name):
		return classForeign
	}
	return classRight
}

// holdsAddress reports whether a value names one of the addresses, or any for nil.
func holdsAddress(value string, local map[string]bool) bool {
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" ,;=\"[]()", r) }) {
		ip := net.ParseIP(word)
		if ip == nil {
			ip = net.ParseIP(hostOf(word))
		}
		if ip != nil && (local == nil || local[ip.String()]) {
			return true
		}
	}
	return false
}

func headersOf(ctx context.Context, r *run, bad class) finding {
	for range 2 {
		r.driver.send(ctx, must(r.driver.message()), nil, http.Header{
			"Cookie": {"session=" + planted}, "User-Agent": {"Phone/" + planted}, "Authorization": {"Bearer " + planted},
			"Accept-Language": {"id-ID, x-" + planted}, "Referer": {"https://" + planted + ".invalid/"}, "Origin": {"https://" + planted + ".invalid"},
			"Traceparent": {"00-" + planted}, "X-Request-Id": {planted}, "X-Device-Id": {planted}, "X-Forwarded-For": {"203.0.113.77"},
			"Via": {"1.1 " + planted},
		})
	}
	r.driver.mu.Lock()
	defer r.driver.mu.Unlock()
	agents := map[string]bool{}
	all := r.platform.messages()
	for _, a := range all {
		for name, values := range a.header {
			for _, v := range values {
				if classify(name, v, r.driver.local) == bad {
					return failed("a message arrived with %s", clip(name))
				}
			}
		}
		if a.header.Get("User-Agent") != "" && !strings.Contains(a.header.Get("User-Agent"), planted) {
			agents[a.header.Get("User-Agent")] = true
		}
	}
	if bad == classForeign && len(agents) > 1 {
		return failed("messages arrived with %d values of User-Agent", len(agents))
	}
	return passed("none in %d messages", len(all))
}

func noMarks(ctx context.Context, r *run) finding {
	for _, act := range []script{nil, refuseWith(http.StatusForbidden), refuseWith(http.StatusServiceUnavailable)} {
		e := r.driver.fresh(ctx, act)
		for _, name := range []string{"Set-Cookie", "Etag", "Last-Modified", "Nel", "Report-To", "Reporting-Endpoints", "Alt-Svc", "Refresh"} {
			if e.header.Get(name) != "" {
				return failed("an answer of status %d carries %s", e.status, name)
			}
		}
	}
	return passed("none in 3 answers")
}

func noStore(ctx context.Context, r *run) finding {
	e := r.driver.fresh(ctx, nil)
	switch {
	case e.status == 0:
		return failed("the relay did not answer")
	case !strings.Contains(strings.ToLower(strings.Join(e.header.Values("Cache-Control"), ",")), "no-store"):
		return failed("an answer came back without no-store")
	case e.header.Get("Age") != "" || e.header.Get("Expires") != "":
		return failed("an answer came back with Age or Expires")
	}
	return passed("no-store came back")
}

func refuseWith(status int) script {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		reply(w, status, problemType, problem(status, "", "as the case says"))
	}
}

// moment is how long the platform holds messages so that they are under way together.
const moment = 250 * time.Millisecond

func afterMoment() <-chan time.Time { return time.After(moment) }
