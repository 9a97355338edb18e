package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/maskline/maskline/internal/database"
	"github.com/maskline/maskline/internal/testdb"
)

func TestARequestIsASpanThatRepeatsNothingSaid(t *testing.T) {
	t.Parallel()
	testdb.Each(t, func(t *testing.T, db *database.DB) {
		h := newHouse(t, db)
		spans := tracetest.NewInMemoryExporter()
		provider := sdk.NewTracerProvider(sdk.WithSyncer(spans))
		service := httptest.NewServer(traced(provider.Tracer("test"), h.app.handler))
		t.Cleanup(service.Close)

		for _, path := range []string{"/healthz?From=%2B15550200002", "/v/vm_secret?sig=secret", "/webhooks/voice?From=%2B15550200002"} {
			got, err := http.Get(service.URL + path)
			check(t, err)
			check(t, got.Body.Close())
		}
		socket, _, err := websocket.Dial(t.Context(), service.URL+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
		check(t, err) // a span must not stand in a socket's way
		check(t, socket.CloseNow())

		seen := fmt.Sprintf("%+v", spans.GetSpans())
		for _, want := range []string{"GET /healthz", "GET /v/{id}", "GET /webhooks/voice"} {
			if !strings.Contains(seen, want) {
				t.Errorf("no span is named %q in %s", want, seen)
			}
		}
		for _, secret := range []string{"15550200002", "secret"} {
			if strings.Contains(seen, secret) {
				t.Errorf("a span repeats %q", secret)
			}
		}
	})
}
