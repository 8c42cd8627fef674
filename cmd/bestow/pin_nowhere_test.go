package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"

	"bestow/app/command"
	"bestow/app/lists"
	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/internal/kafkatest"
	"bestow/internal/keys"
	"bestow/internal/logtest"
	"bestow/internal/pgtest"
	"bestow/internal/seal"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// canaryPIN stands for every PIN: eight digits stand in a log by chance.
const canaryPIN = "CANARY-7Q2W9E4R"

var pinField = regexp.MustCompile(`"voucher_pin":"[0-9]{8}"`)

// canaries answers as the ledger does, with canaryPIN in the place of each PIN.
func canaries(ledger http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		ledger.ServeHTTP(answer, r)
		body := pinField.ReplaceAll(answer.Body.Bytes(), []byte(`"voucher_pin":"`+canaryPIN+`"`))
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.Header().Del("Content-Length")
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body) // a test that lacks it sees so
	})
}

// S9: on the whole road, with the ledger over HTTP, answers that are lost and a redrive, no PIN stands in a table, a
// message, a log of any level, a metric or an answer of the API, not even after a person was shown one.
func TestPINIsNowhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var log logtest.Log
	w.log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.asks(w.serveAt(canaries(w.ledgerService())))
	p, _ := w.start(t.Context(), w.told(func(member string, nth int) (domain.Verdict, bool) {
		if digit(member) == '4' && nth == 1 {
			return domain.Unknown, true // applied, and the answer is lost
		}
		return domain.Granted, true
	}), campaignRoles...)
	e := w.event(p, "VOUCHER", 100)
	w.run(p, e)
	w.completed(p, e.ID)
	require.Equal(t, map[string]int{canaryPIN: 100}, w.openPINs(e), "each member has it")

	seen, err := p.App.PINs.Reveal(t.Context(), command.Caller{Actor: "kim"}, e.ID, "m0000007", "the member asks")
	require.NoError(t, err)
	require.Equal(t, canaryPIN, seen.PIN)
	_, err = p.App.PINs.Reveal(t.Context(), command.Caller{Actor: "kim"}, e.ID, "nobody", "the member asks")
	require.True(t, domain.IsCode(err, domain.NotFound))

	answer := httptest.NewRecorder()
	bestowhttp.NewOps(p.Ops()).ServeHTTP(answer,
		httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	results, err := p.App.Lists.Results(t.Context(), e.ID, lists.ResultFilter{Limit: 1000})
	require.NoError(t, err)
	shown, err := json.Marshal(results)
	require.NoError(t, err)
	said := bytes.Join([][]byte{
		[]byte(log.String()), []byte(pgtest.EveryRow(w, w.pool)), answer.Body.Bytes(), shown,
		fmt.Appendf(nil, "%+v", results),
	}, []byte("\n"))
	for _, topic := range []string{".voucher", ".voucher.dlt"} {
		for _, m := range kafkatest.Messages(t, w.cfg.Brokers, w.cfg.TopicPrefix+topic) {
			said = append(append(said, m.Key...), m.Value...)
		}
	}
	for _, there := range []string{"m0000007", "go_goroutines", "request"} {
		require.Contains(t, string(said), there, "it is looked through")
	}
	for _, form := range []string{
		canaryPIN, hex.EncodeToString([]byte(canaryPIN)),
		base64.StdEncoding.EncodeToString([]byte(canaryPIN)),
	} {
		require.NotContains(t, string(said), form)
	}
}

// openPINs opens the PINs that the results of an event keep, and counts each.
func (w *world) openPINs(e domain.Event) map[string]int {
	w.Helper()
	master, err := w.cfg.Master()
	require.NoError(w, err)
	opened := map[string]int{}
	require.NoError(w, pgx.BeginFunc(w.Context(), w.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(w.Context(),
			`SELECT member_id, voucher_pin FROM voucher_results WHERE event_id = $1`, e.ID)
		if err != nil {
			return err
		}
		kept, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Member, Sealed string }])
		if err != nil {
			return err
		}
		store := keys.Store{Table: keys.Pins, Master: master, WrappedOnly: true}
		key, err := store.Key(w.Context(), tx, e.ID)
		if err != nil {
			return err
		}
		for _, k := range kept {
			raw, err := base64.StdEncoding.DecodeString(k.Sealed)
			if err != nil {
				return err
			}
			pin, err := key.Open(raw, seal.AAD(strconv.FormatInt(e.ID, 10), k.Member, "voucher_pin"))
			if err != nil {
				return err
			}
			opened[string(pin)]++
		}
		return nil
	}))
	return opened
}
