package points

import (
	"errors"
	"net/http"
	"strings"

	"bestow/cmd/bestow/settings"
	"bestow/cmd/bestow/terminal"
	"bestow/domain"
	"bestow/internal/english"
	"bestow/money"
	"bestow/money/moneyclient"
)

// withLedger lets a command ask the ledger at BESTOW_MONEY_URL, as `bestow serve` with the same settings does.
func withLedger(t *terminal.Terminal, ask func(*moneyclient.Client) error) error {
	at := t.Env("BESTOW_MONEY_URL")
	if at == "" {
		at = "http://127.0.0.1:8081"
	}
	token := t.Env("BESTOW_MONEY_TOKEN")
	if file := t.Env("BESTOW_MONEY_TOKEN_FILE"); token == "" && file != "" {
		var err error
		if token, err = settings.ReadToken("BESTOW_MONEY_TOKEN_FILE", file); err != nil {
			return err
		}
	}
	if token == "" {
		return domain.InvalidError(
			"BESTOW_MONEY_TOKEN is not set",
			"set it to the ledger's token: a process with the role money that has the same one listens on its "+
				"BESTOW_MONEY_ADDR",
		)
	}
	ledger, err := moneyclient.New(moneyclient.Config{URL: at, Token: token})
	if err != nil {
		// it may hold a password
		return domain.InvalidError("BESTOW_MONEY_URL is not the address of a ledger",
			"write it as http://HOST:PORT; the token belongs in BESTOW_MONEY_TOKEN")
	}
	defer ledger.Close()
	return said(ask(ledger))
}

// said is the error of a ledger as a person is told it: what is wrong, and what to do next.
func said(err error) error {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*moneyclient.RefusedError](err); ok {
		return refusedByLedger(r)
	}
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[terminal.UsageError](err); ok {
		return err
	}
	hint := "check BESTOW_MONEY_URL: the ledger listens on BESTOW_MONEY_ADDR of a process with the role money and a " +
		"BESTOW_MONEY_TOKEN"
	if errors.Is(err, money.ErrDeadline) {
		hint = "ask again"
	}
	return domain.UnavailableError("the ledger does not answer: "+english.OneLine(err.Error()), hint)
}

func refusedByLedger(r *moneyclient.RefusedError) error {
	e := domain.NewError(r.Code, r.Detail, r.Hint)
	for _, f := range r.Fields {
		e.Fields = append(e.Fields, domain.Field{Name: strings.TrimPrefix(f.Location, "body."), Message: f.Message})
	}
	switch {
	case r.Status == http.StatusUnauthorized:
		e.Message, e.Hint = "the ledger does not know the token",
			"set BESTOW_MONEY_TOKEN to the one that the ledger has"
	case r.Code == money.UnknownPolicy:
		e.Hint = "`bestow policy list` shows them"
	case r.Code == "" || r.Code == "not_found":
		e.Message, e.Hint = r.Error(), "check BESTOW_MONEY_URL: it may lead to something else, "+
			"or to a ledger without this route"
	}
	return e
}
