package settings

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"bestow/outbox/secure"
)

const (
	// maxPEM is the most bytes of a file of certificates: all authorities of a machine have a quarter of that.
	maxPEM = 1 << 20
	// maxToken is the most bytes of a token.
	maxToken = 64 << 10
)

// readKafka reads the files by which the brokers know us, and we know them.
func (c *Config) readKafka() error {
	c.KafkaSecurity = secure.Config{Mechanism: c.KafkaMechanism, User: c.KafkaUser}
	var errs []error
	if c.KafkaTLS == "on" {
		var err error
		c.KafkaSecurity.TLS, err = c.kafkaTLS()
		errs = append(errs, err)
	}
	if c.KafkaPassword != "" {
		body, err := readAtMost(c.KafkaPassword, maxSecret, SecretPatience)
		c.KafkaSecurity.Password = secure.Secret(strings.TrimRight(string(body), "\r\n"))
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("read KAFKA_SASL_PASSWORD_FILE: %w", err))
		case c.KafkaSecurity.Password == "":
			errs = append(errs, errors.New("KAFKA_SASL_PASSWORD_FILE names a file without a password"))
		}
	}
	if c.KafkaToken != "" {
		c.KafkaSecurity.Token = c.readToken
		_, err := c.readToken()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c Config) readToken() (secure.Secret, error) {
	body, err := readAtMost(c.KafkaToken, maxToken, SecretPatience)
	if err != nil {
		return "", fmt.Errorf("read KAFKA_SASL_TOKEN_FILE: %w", err)
	}
	token := strings.TrimSpace(string(body))
	if token == "" || strings.ContainsAny(token, " \t\r\n\x01") {
		return "", errors.New("KAFKA_SASL_TOKEN_FILE names a file without a token: it must hold one and nothing else")
	}
	return secure.Secret(token), nil
}

func (c Config) kafkaTLS() (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.KafkaServerName}
	if c.KafkaCAFile != "" {
		body, err := readAtMost(c.KafkaCAFile, maxPEM, SecretPatience)
		if err != nil {
			return nil, fmt.Errorf("read KAFKA_CA_FILE: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(body) {
			return nil, errors.New("KAFKA_CA_FILE names a file without a certificate: it must hold one that begins with " +
				"-----BEGIN CERTIFICATE-----")
		}
	}
	if c.KafkaCertFile == "" || c.KafkaKeyFile == "" {
		return conf, nil
	}
	own := &ownCertificate{certFile: c.KafkaCertFile, keyFile: c.KafkaKeyFile}
	if err := own.read(); err != nil {
		return nil, err
	}
	conf.GetClientCertificate = own.latest
	return conf, nil
}

// ownCertificate is our certificate, read again for each connection: one that was renewed needs no new start.
type ownCertificate struct {
	certFile, keyFile string

	mu   sync.Mutex
	last *tls.Certificate // that could be read
}

func (o *ownCertificate) read() error {
	cert, err := readAtMost(o.certFile, maxPEM, SecretPatience)
	if err != nil {
		return fmt.Errorf("read KAFKA_CERT_FILE: %w", err)
	}
	key, err := readAtMost(o.keyFile, maxPEM, SecretPatience)
	if err != nil {
		return fmt.Errorf("read KAFKA_KEY_FILE: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("read KAFKA_CERT_FILE and KAFKA_KEY_FILE: %w", err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = &pair
	return nil
}

// latest returns the certificate of the files, or the one before while they are being replaced.
func (o *ownCertificate) latest(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	_ = o.read() // then the one before is the one that the broker judges
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last, nil
}

// checkKafka refuses settings of TLS and SASL that are wrong, half set, or without effect. It repeats no value: one may
// be a password at the wrong place.
func (c Config) checkKafka() error {
	secured := []setFlag{
		{"KAFKA_TLS", c.KafkaTLS},
		{"KAFKA_SASL_MECHANISM", c.KafkaMechanism},
		{"KAFKA_CA_FILE", c.KafkaCAFile},
		{"KAFKA_CERT_FILE", c.KafkaCertFile},
		{"KAFKA_KEY_FILE", c.KafkaKeyFile},
		{"KAFKA_SERVER_NAME", c.KafkaServerName},
		{"KAFKA_SASL_USER", c.KafkaUser},
		{"KAFKA_SASL_PASSWORD_FILE", c.KafkaPassword},
		{"KAFKA_SASL_TOKEN_FILE", c.KafkaToken},
	}
	if i := slices.IndexFunc(secured, setFlag.isSet); len(c.Brokers) == 0 {
		if i >= 0 {
			return fmt.Errorf("KAFKA_BROKERS is not set: without it %s has no effect", secured[i].name)
		}
		return nil
	}
	return errors.Join(c.checkKafkaTLS(), c.checkSASL())
}

// setFlag is a setting with its value.
type setFlag struct{ name, value string }

func (s setFlag) isSet() bool { return s.value != "" }

func (c Config) checkKafkaTLS() error {
	if !slices.Contains([]string{"", "on", "off"}, c.KafkaTLS) {
		return errors.New("KAFKA_TLS must be on or off")
	}
	if (c.KafkaCertFile == "") != (c.KafkaKeyFile == "") {
		return errors.New("KAFKA_CERT_FILE and KAFKA_KEY_FILE need each other, such as /etc/bestow/tls.crt and " +
			"/etc/bestow/tls.key: set both or none")
	}
	if c.KafkaTLS == "on" {
		return nil
	}
	for _, s := range []setFlag{
		{"KAFKA_CA_FILE", c.KafkaCAFile}, {"KAFKA_CERT_FILE", c.KafkaCertFile}, {"KAFKA_SERVER_NAME", c.KafkaServerName},
	} {
		if s.isSet() {
			return fmt.Errorf("%s has no effect without TLS: set KAFKA_TLS=on, or unset it", s.name)
		}
	}
	return nil
}

func (c Config) checkSASL() error {
	switch {
	case c.KafkaMechanism == "" && (c.KafkaUser != "" || c.KafkaPassword != "" || c.KafkaToken != ""):
		return errors.New("KAFKA_SASL_MECHANISM is not set: set it, such as SCRAM-SHA-512, or unset the other KAFKA_SASL_ " +
			"settings, which have no effect without it")
	case c.KafkaMechanism == "":
		return nil
	case !slices.Contains(secure.Mechanisms(), c.KafkaMechanism):
		return errors.New("KAFKA_SASL_MECHANISM must be one of " + strings.Join(secure.Mechanisms(), ", "))
	case c.Env == "production" && c.KafkaTLS == "":
		return errors.New("KAFKA_TLS is not set: production shows a password or a token over TLS: set KAFKA_TLS=on, " +
			"or KAFKA_TLS=off to send it in plain text all the same")
	}
	return c.checkProof()
}

// checkProof refuses a mechanism without what it shows to the brokers, or with what it does not.
func (c Config) checkProof() error {
	byToken := c.KafkaMechanism == secure.OAuthBearer
	switch {
	case byToken && c.KafkaToken == "":
		return errors.New("KAFKA_SASL_TOKEN_FILE is not set: OAUTHBEARER needs it, such as /run/secrets/kafka-token")
	case byToken && (c.KafkaUser != "" || c.KafkaPassword != ""):
		return errors.New("KAFKA_SASL_USER and KAFKA_SASL_PASSWORD_FILE have no effect with OAUTHBEARER: unset them")
	case !byToken && c.KafkaToken != "":
		return errors.New("KAFKA_SASL_TOKEN_FILE has no effect without KAFKA_SASL_MECHANISM=OAUTHBEARER: unset it")
	case !byToken && c.KafkaUser == "":
		return errors.New("KAFKA_SASL_USER is not set: KAFKA_SASL_MECHANISM needs it, such as bestow")
	case !byToken && c.KafkaPassword == "":
		return errors.New("KAFKA_SASL_PASSWORD_FILE is not set: KAFKA_SASL_MECHANISM needs it, such as " +
			"/run/secrets/kafka-password")
	}
	return nil
}
