package ohttp_test

import (
	"crypto/ed25519"
	"fmt"
	"log"
	"time"

	"github.com/amanah-project/amanah/ohttp"
)

func check[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

func Example() {
	// The platform makes a gateway key and signs its public half for a week.
	pin, pinKey := check2(ed25519.GenerateKey(nil))
	key := check(ohttp.GenerateKey(1, ohttp.X25519))
	cache := check(ohttp.NewReplayCache(10*time.Minute, 1<<20))
	gateway := check(ohttp.NewGateway(cache, key))
	list := check(ohttp.AppendConfigs(nil, key.Config()))
	now := time.Now()
	envelope := check(ohttp.SignConfigs(pinKey, list, now, now.AddDate(0, 0, 7)))

	// The device knows the pin, checks the envelope and asks.
	signed := check(ohttp.VerifyConfigs(envelope, now, pin))
	config := check(ohttp.Choose(signed.Configs))
	question := check(ohttp.AppendRequest(nil, &ohttp.Request{
		Method: "POST", Scheme: "https", Authority: "gate.example", Path: "/v1/visits",
		Body: []byte("venue code"),
	}))
	request, exchange := check2(config.Encapsulate(question))

	// The gateway opens what the relay forwards, and answers.
	plaintext, responder, err := gateway.Open(request)
	if err != nil {
		log.Fatal(err)
	}
	asked := check(ohttp.ParseRequest(plaintext))
	answer := check(ohttp.AppendResponse(nil, &ohttp.Response{Status: 200, Body: []byte("green")}))
	response := check(responder.Seal(nil, answer))

	// Only the device reads the answer.
	got := check(ohttp.ParseResponse(check(exchange.Open(response))))
	fmt.Println(asked.Method, asked.Path, string(asked.Body))
	fmt.Println(got.Status, string(got.Body))
	_, _, err = gateway.Open(request)
	fmt.Println(err)
	// Output:
	// POST /v1/visits venue code
	// 200 green
	// ohttp: replayed request
}

func check2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		log.Fatal(err)
	}
	return a, b
}
