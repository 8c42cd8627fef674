package moneyhttp

import (
	"context"
	"regexp"
	"strings"

	"bestow/money"
	"bestow/money/moneyhttp/wire"
)

type identityOutput struct {
	Ledger string `header:"Bestow-Ledger"`
	Body   wire.Identity
}

type pairInput struct{ Body body[wire.Pairing] }

// identity says which ledger this is. What it can: see Capabilities.
func (s *Server) identity(ctx context.Context, _ *struct{}) (*identityOutput, error) {
	id, err := s.ledger.Identity(ctx)
	if err != nil {
		return nil, err
	}
	return s.introduce(id), nil
}

func (s *Server) introduce(id money.Identity) *identityOutput {
	can := []string{wire.GrantsPoints, wire.Pairs, wire.RepeatsSecrets}
	if s.ledger.HasMaster() {
		can = append(can, wire.GrantsVouchers)
	}
	return &identityOutput{
		id.ID,
		wire.Identity{LedgerID: id.ID, InstallationID: id.Installation, Capabilities: can, Time: id.Now.UTC()},
	}
}

// installationID is a UUID as PostgreSQL writes it.
var installationID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// pair makes this the ledger of the installation. Error: money.ErrOtherInstallation.
func (s *Server) pair(ctx context.Context, in *pairInput) (*identityOutput, error) {
	asked, err := in.Body.read()
	if err != nil {
		return nil, err
	}
	if !installationID.MatchString(strings.ToLower(asked.InstallationID)) {
		return nil, newProblem(wire.CodeInvalid, "installation_id is not the id of an installation",
			"`bestow installation show` prints it",
			wire.FieldError{Location: "body.installation_id", Message: "must be a UUID"})
	}
	id, err := s.ledger.Pair(ctx, strings.ToLower(asked.InstallationID))
	if err != nil {
		return nil, err
	}
	return s.introduce(id), nil
}
