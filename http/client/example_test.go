package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"bestow/domain"
	"bestow/http/client"
)

// A refusal is the error that the server had: its code says what to do by program, its hint what to do by hand.
func ExampleClient_StartEvent() {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/events/7/start", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"id": 7, "campaign_id": "spring", "event_status": "RUNNING"}`)
	})
	mux.HandleFunc("POST /api/v1/events/8/start", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprint(w, `{"code": "no_targets", "detail": "the event has no targets", "hint": "import a member list"}`)
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	c, err := client.New(server.URL, "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	e, err := c.StartEvent(context.Background(), 7)
	fmt.Println(e.CampaignID, e.EventStatus, err)

	_, err = c.StartEvent(context.Background(), 8)
	if refused, ok := errors.AsType[*domain.Error](err); ok && refused.Code == domain.NoTargets {
		fmt.Println("start it later:", refused.Hint)
	}
	// Output:
	// spring RUNNING <nil>
	// start it later: import a member list
}
