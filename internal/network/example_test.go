package network_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/maskline/maskline/internal/network"
)

func Example() {
	// A service that forwards to Olga for 20 seconds and then takes a message.
	mux := http.NewServeMux()
	for path, twiml := range map[string]string{
		"/voice":     `<Dial answerOnBridge="true" timeout="20" action="/dialled"><Number>+15005550100</Number></Dial>`,
		"/dialled":   `<Say>Please leave a message.</Say><Record action="/recorded" recordingStatusCallback="/recording"/>`,
		"/recorded":  ``,
		"/recording": ``,
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			fmt.Fprintf(w, "<Response>%s</Response>", twiml)
		})
	}
	service := httptest.NewServer(mux)
	defer service.Close()

	n := network.New(network.Config{AccountSID: "AC00000000000000000000000000000001", AuthToken: "secret"})
	defer n.Close()
	n.AddNumber(network.Number{PhoneNumber: "+15005550006", VoiceURL: service.URL + "/voice"})
	n.AddPhone("+15005550100", network.NoAnswer())
	call := n.Dial(network.From("+15005550001").LeaveMessage(12*time.Second, "Call me back."), "+15005550006")

	// Stop in the middle: the message is spoken, but nobody has been told that its file is ready.
	if err := n.RunTo(context.Background(), network.Asking("/recorded")); err != nil {
		fmt.Println(err)
	}
	fmt.Println("callbacks so far:", len(call.Asked("/recording")))
	if err := n.Run(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, e := range call.Story() {
		if e.Kind != network.Webhook && e.Kind != network.CallbackSent && e.Kind != network.Recorded {
			fmt.Println(e)
		}
	}
	fmt.Println("message of", n.Recordings()[0].Duration, "reported as", call.Asked("/recording")[0].Form.Get("RecordingStatus"))
	fmt.Println("faults:", call.Err())
	// Output:
	// callbacks so far: 0
	// +15005550001 dials +15005550006
	// the phone +15005550100 rings and shows +15005550001
	// +15005550100 was not reached: no-answer
	// +15005550006 picks up
	// +15005550001 hears: Please leave a message.
	// +15005550001 hears: (a beep)
	// +15005550001 hangs up
	// the call is over: completed after 14s
	// message of 12s reported as completed
	// faults: <nil>
}
