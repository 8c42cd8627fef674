package secure

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"hash"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

// The mechanisms by which a broker learns who we are.
const (
	Plain       = sarama.SASLTypePlaintext
	ScramSHA256 = sarama.SASLTypeSCRAMSHA256
	ScramSHA512 = sarama.SASLTypeSCRAMSHA512
	OAuthBearer = sarama.SASLTypeOAuth
)

// Mechanisms lists all of them.
func Mechanisms() []string { return []string{Plain, ScramSHA256, ScramSHA512, OAuthBearer} }

// Config says how brokers are reached. The zero value is plain text without a password.
type Config struct {
	TLS       *tls.Config // nil: plain text
	Mechanism string      // of SASL; "": none
	User      string      // of PLAIN and SCRAM
	Password  Secret      // of PLAIN and SCRAM
	// Token returns what OAUTHBEARER shows. It is called for each connection, so that a renewed token is used.
	Token func() (Secret, error)
}

// Apply sets up a client by c.
func (c Config) Apply(to *sarama.Config) {
	if c.TLS != nil {
		to.Net.TLS.Enable, to.Net.TLS.Config = true, c.TLS
	}
	if c.Mechanism == "" {
		return
	}
	sasl := &to.Net.SASL
	sasl.Enable, sasl.Handshake, sasl.Version = true, true, sarama.SASLHandshakeV1
	sasl.Mechanism = sarama.SASLMechanism(c.Mechanism)
	sasl.User, sasl.Password = c.User, string(c.Password)
	switch c.Mechanism {
	case ScramSHA256:
		sasl.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: sha256.New} }
	case ScramSHA512:
		sasl.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &scramClient{hash: sha512.New} }
	case OAuthBearer:
		sasl.TokenProvider = tokens(c.Token)
	}
}

// String says how brokers are reached, for a log: without the password.
func (c Config) String() string {
	text := "plain text"
	if c.TLS != nil {
		text = "TLS"
	}
	if c.Mechanism != "" {
		text += ", " + c.Mechanism
	}
	return text
}

// Secret is a text that is never shown.
type Secret string

// String hides the secret from fmt and from logs.
func (Secret) String() string { return "(hidden)" }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// scramClient is one proof of a password that the password does not leave this process for, and that proves the
// broker too: one that does not know the password is refused.
type scramClient struct {
	hash         func() hash.Hash
	conversation *scram.ClientConversation
}

// Begin takes user and password as they are: Apache Kafka keeps the bytes of a password, and does not prepare it by
// RFC 4013, which changes half-width forms and refuses what is younger than Unicode 3.2.
func (s *scramClient) Begin(user, password, authzID string) error {
	client, err := scram.HashGeneratorFcn(s.hash).NewClientUnprepped(user, password, authzID)
	if err != nil {
		return err
	}
	s.conversation = client.NewConversation()
	return nil
}

func (s *scramClient) Step(challenge string) (string, error) { return s.conversation.Step(challenge) }

func (s *scramClient) Done() bool { return s.conversation.Done() }

// tokens gives sarama the token of each connection.
type tokens func() (Secret, error)

func (t tokens) Token() (*sarama.AccessToken, error) {
	token, err := t()
	if err != nil {
		return nil, err
	}
	return &sarama.AccessToken{Token: string(token)}, nil
}
