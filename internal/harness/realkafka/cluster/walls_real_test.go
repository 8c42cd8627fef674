//go:build realkafka

package cluster_test

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bestow/domain"
	"bestow/internal/certtest"
	"bestow/internal/harness/realkafka/cluster"
	"bestow/outbox"
	"bestow/outbox/secure"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

const secret = "correct-horse-battery"

// keyStore is a certificate with its key in one file, as Kafka reads it.
func keyStore(t *testing.T, p certtest.Pair) (file string) {
	t.Helper()
	var body []byte
	for _, name := range []string{p.KeyFile, p.CertFile} {
		part, err := os.ReadFile(name)
		require.NoError(t, err)
		body = append(body, part...)
	}
	file = filepath.Join(t.TempDir(), "store.pem")
	require.NoError(t, os.WriteFile(file, body, 0o600))
	return file
}

// bearer is a token without a signature, which brokers take that are told nothing of who signs tokens.
func bearer(user string, ends time.Time) secure.Secret {
	part := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, ends.Add(-2*time.Hour).Unix(), ends.Unix())
	return secure.Secret(part([]byte(`{"alg":"none"}`)) + "." + part([]byte(claims)) + ".")
}

// walled starts a broker with a port for each wall: TLS alone, TLS that asks for a certificate, and each with
// passwords. The user bestow may do everything, and clerk nothing.
func walled(t *testing.T, a *certtest.Authority) *cluster.Cluster {
	t.Helper()
	const sasl = "org.apache.kafka.common.security."
	settings := map[string]string{
		"ssl.keystore.type": "PEM", "ssl.keystore.location": keyStore(t, a.Server()),
		"ssl.truststore.type": "PEM", "ssl.truststore.location": a.File,
		"listener.name.mutual.ssl.client.auth": "required",
		"authorizer.class.name":                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":                          "User:ANONYMOUS;User:bestow;User:CN=bestow",
	}
	for _, listener := range []string{"password", "clear"} {
		name := "listener.name." + listener + "."
		settings[name+"sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER"
		settings[name+"plain.sasl.jaas.config"] = sasl + `plain.PlainLoginModule required user_bestow="` + secret + `";`
		settings[name+"scram-sha-256.sasl.jaas.config"] = sasl + "scram.ScramLoginModule required;"
		settings[name+"scram-sha-512.sasl.jaas.config"] = sasl + "scram.ScramLoginModule required;"
		settings[name+"oauthbearer.sasl.jaas.config"] = sasl +
			`oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`
	}
	c, err := cluster.Start(t.Context(), cluster.Options{
		Brokers: 1, Settings: settings, Scram: map[string]string{"bestow": secret, "clerk": secret},
		Walled: map[string]string{"TLS": "SSL", "MUTUAL": "SSL", "PASSWORD": "SASL_SSL", "CLEAR": "SASL_PLAINTEXT"},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// connect opens connections by c, as a process does, and asks for the cluster's id.
func connect(t *testing.T, c secure.Config, brokers []string) error {
	t.Helper()
	k, err := outbox.NewKafka(outbox.KafkaConfig{Brokers: brokers, Security: c, TopicPrefix: "walled"})
	if err != nil {
		require.NotContains(t, err.Error(), secret)
		return err
	}
	defer func() { require.NoError(t, k.Close()) }()
	id, err := k.ClusterID()
	require.NotEmpty(t, id)
	return err
}

// Apache Kafka lets a process in by each mechanism, and says no as the process expects it.
func TestWalls(t *testing.T) {
	t.Parallel()
	a, other := certtest.New(t), certtest.New(t)
	c := walled(t, a)
	trusts := &tls.Config{RootCAs: a.Pool(), MinVersion: tls.VersionTLS12}
	own := trusts.Clone()
	own.Certificates = []tls.Certificate{a.Issue("bestow", time.Now().Add(time.Hour)).TLS}
	require.NoError(t, connect(t, secure.Config{TLS: trusts}, c.At("TLS")))
	require.NoError(t, connect(t, secure.Config{TLS: own}, c.At("MUTUAL")))
	refused := func(says string, with secure.Config, at []string) {
		t.Helper()
		err := connect(t, with, at)
		require.ErrorContains(t, err, says)
		require.True(t, secure.Refused(err))
	}
	stranger := &tls.Config{RootCAs: other.Pool(), MinVersion: tls.VersionTLS12}
	refused("set KAFKA_CA_FILE", secure.Config{TLS: stranger}, c.At("TLS"))
	refused("KAFKA_CERT_FILE and KAFKA_KEY_FILE", secure.Config{TLS: trusts}, c.At("MUTUAL"))
	refused("set KAFKA_TLS=on", secure.Config{}, c.At("TLS"))
	refused("does not speak TLS there", secure.Config{TLS: trusts}, c.Brokers())
	for _, mechanism := range []string{secure.Plain, secure.ScramSHA256, secure.ScramSHA512} {
		good := secure.Config{TLS: trusts, Mechanism: mechanism, User: "bestow", Password: secret}
		require.NoError(t, connect(t, good, c.At("PASSWORD")), mechanism)
		clear, wrong := good, good
		clear.TLS, wrong.Password = nil, "wrong-horse-battery"
		require.NoError(t, connect(t, clear, c.At("CLEAR")), mechanism)
		refused("KAFKA_SASL_PASSWORD_FILE", wrong, c.At("PASSWORD"))
		wrong.TLS = nil
		refused("KAFKA_SASL_PASSWORD_FILE", wrong, c.At("CLEAR"))
		refused("set KAFKA_TLS=on", clear, c.At("PASSWORD"))
	}
	token := func(ends time.Time) func() (secure.Secret, error) {
		return func() (secure.Secret, error) { return bearer("bestow", ends), nil }
	}
	holder := secure.Config{TLS: trusts, Mechanism: secure.OAuthBearer, Token: token(time.Now().Add(time.Hour))}
	require.NoError(t, connect(t, holder, c.At("PASSWORD")))
	holder.Token = token(time.Now().Add(-time.Hour))
	refused("KAFKA_SASL_TOKEN_FILE", holder, c.At("PASSWORD"))
}

// Apache Kafka says which rights a user has, and with those that the docs list nothing lacks.
func TestRights(t *testing.T) {
	t.Parallel()
	a := certtest.New(t)
	c := walled(t, a)
	conf := sarama.NewConfig()
	conf.Version = sarama.V2_8_0_0
	admin, err := sarama.NewClusterAdmin(c.Brokers(), conf)
	require.NoError(t, err)
	defer func() { require.NoError(t, admin.Close()) }()
	allow := func(kind sarama.AclResourceType, name string, operations ...sarama.AclOperation) {
		t.Helper()
		pattern := sarama.AclPatternPrefixed
		if kind == sarama.AclResourceCluster {
			pattern = sarama.AclPatternLiteral
		}
		for _, op := range operations {
			require.NoError(t, admin.CreateACL(
				sarama.Resource{ResourceType: kind, ResourceName: name, ResourcePatternType: pattern},
				sarama.Acl{Principal: "User:clerk", Host: "*", Operation: op, PermissionType: sarama.AclPermissionAllow}))
			require.Eventually(t, func() bool {
				known, err := admin.ListAcls(sarama.AclFilter{
					ResourceType: kind, ResourceName: &name, ResourcePatternTypeFilter: pattern, Operation: op,
					PermissionType: sarama.AclPermissionAllow,
				})
				return err == nil && len(known) == 1
			}, patience, pause, "the broker hears of it from the controller")
		}
	}
	clerk := secure.Config{Mechanism: secure.ScramSHA512, User: "clerk", Password: secret}
	allow(sarama.AclResourceCluster, "kafka-cluster", sarama.AclOperationIdempotentWrite)
	k, err := outbox.NewKafka(outbox.KafkaConfig{
		Brokers: c.At("CLEAR"), TopicPrefix: "walled", Partitions: 1, Replication: 1, Security: clerk,
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, k.Close()) }()
	types := []domain.EventType{{Code: "POINT", Topic: "point"}}
	require.ErrorContains(t, k.MakeTopics(types[0]), "Allow this user Describe on the topic")

	allow(sarama.AclResourceTopic, "walled.", sarama.AclOperationDescribe, sarama.AclOperationDescribeConfigs,
		sarama.AclOperationCreate)
	require.Eventually(t, func() bool { return k.MakeTopics(types[0]) == nil }, patience, pause)
	lacks, err := k.Lacking(types)
	require.NoError(t, err)
	require.Contains(t, lacks, "this user lacks rights on the topic walled.point: allow Read, Write")

	allow(sarama.AclResourceTopic, "walled.", sarama.AclOperationRead, sarama.AclOperationWrite)
	allow(sarama.AclResourceGroup, "bestow.", sarama.AclOperationRead)
	require.Eventually(t, func() bool {
		lacks, err := k.Lacking(types)
		return err == nil && len(lacks) == 0
	}, patience, pause)
}
