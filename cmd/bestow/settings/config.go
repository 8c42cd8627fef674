package settings

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"

	"bestow/app"
	"bestow/app/processes"
	"bestow/domain"
	"bestow/internal/embedpg"
	"bestow/internal/ownfiles"
	"bestow/internal/seal"
	"bestow/money"
	"bestow/outbox"
	"bestow/outbox/secure"

	"github.com/caarlos0/env/v11"
)

// Config is all settings of the service, one page. They come from the environment, secrets from files too; what a
// command needs of them it says in its help.
type Config struct {
	DatabaseURL string   `env:"DATABASE_URL" help:"PostgreSQL 15 or later"`
	MigrateURL  string   `env:"BESTOW_MIGRATE_URL" help:"the owner's connection, for migrate only (default: DATABASE_URL)"`
	Brokers     []string `env:"KAFKA_BROKERS" help:"Kafka brokers, host:port, a comma-separated list"`

	KafkaTLS        string `env:"KAFKA_TLS" help:"on or off: whether the brokers are reached by TLS (default: off)"`
	KafkaCAFile     string `env:"KAFKA_CA_FILE" help:"a file with the certificates of the authorities that sign those of the brokers, PEM (default: those that this machine trusts)"`
	KafkaCertFile   string `env:"KAFKA_CERT_FILE" help:"a file with this service's own certificate, PEM, for brokers that ask for one"`
	KafkaKeyFile    string `env:"KAFKA_KEY_FILE" help:"a file with the key of KAFKA_CERT_FILE, PEM"`
	KafkaServerName string `env:"KAFKA_SERVER_NAME" help:"the name in the certificates of all brokers (default: the host of each)"`
	KafkaMechanism  string `env:"KAFKA_SASL_MECHANISM" help:"how the brokers learn who this is: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER (default: they do not ask)"`
	KafkaUser       string `env:"KAFKA_SASL_USER" help:"the user of PLAIN and SCRAM"`
	KafkaPassword   string `env:"KAFKA_SASL_PASSWORD_FILE" help:"a file with the password of KAFKA_SASL_USER"`
	KafkaToken      string `env:"KAFKA_SASL_TOKEN_FILE" help:"a file with the token of OAUTHBEARER, which is read for each connection"`

	KafkaSecurity secure.Config `env:"-"` // what the settings above say, read

	TopicPrefix string `env:"BESTOW_TOPIC_PREFIX" envDefault:"grants" help:"topics are PREFIX.point, PREFIX.point.dlt, ..."`
	Partitions  int    `env:"BESTOW_TOPIC_PARTITIONS" envDefault:"8" help:"partitions of a topic that bestow creates"`
	Replication int    `env:"BESTOW_TOPIC_REPLICATION" envDefault:"0" help:"replicas of a topic that bestow creates (0: the broker's default)"`

	Addr           string   `env:"BESTOW_ADDR" envDefault:"127.0.0.1:8080" help:"admin API, River UI at /river"`
	OpsAddr        string   `env:"BESTOW_OPS_ADDR" envDefault:"127.0.0.1:9090" help:"/livez, /readyz, /metrics and pprof; keep this port private"`
	TrustedProxies []string `env:"BESTOW_TRUSTED_PROXIES" help:"proxies before BESTOW_ADDR whose X-Forwarded-For says where a request comes from: addresses or CIDRs, a comma-separated list (default: none)"`
	AdminKey       string   `env:"BESTOW_ADMIN_KEY" secret:"true" help:"an API key of role admin"`

	MoneyAddr      string   `env:"BESTOW_MONEY_ADDR" envDefault:"127.0.0.1:8081" help:"the ledger's own listener, in the role money, if BESTOW_MONEY_TOKEN is set"`
	MoneyToken     string   `env:"BESTOW_MONEY_TOKEN" secret:"true" help:"what the ledger's listener asks for, and what is sent to BESTOW_MONEY_URL"`
	MoneyTokenFile string   `env:"BESTOW_MONEY_TOKEN_FILE" help:"a file with BESTOW_MONEY_TOKEN"`
	MoneyURL       string   `env:"BESTOW_MONEY_URL" help:"grants of the granter money go there over HTTP (default: to the ledger in this process)"`
	Granters       []string `env:"BESTOW_GRANTERS" help:"further ledgers that event types may name: name=url, comma list; BESTOW_GRANTER_<NAME>_TOKEN_FILE names the file with the token of each"`

	Others []LedgerAddress `env:"-"` // what Granters says, read

	MasterKey     string `env:"BESTOW_MASTER_KEY" secret:"true" help:"32 bytes in base64; encrypts the keys of voucher PINs and list hashes"`
	MasterKeyFile string `env:"BESTOW_MASTER_KEY_FILE" help:"a file with BESTOW_MASTER_KEY"`

	OIDCIssuer     string `env:"BESTOW_OIDC_ISSUER" help:"the address of the company's identity provider, with which people sign in (default: with a password and a code)"`
	OIDCClientID   string `env:"BESTOW_OIDC_CLIENT_ID" help:"this service's id there"`
	OIDCSecretFile string `env:"BESTOW_OIDC_CLIENT_SECRET_FILE" help:"a file with this service's secret there"`
	OIDCRoleClaim  string `env:"BESTOW_OIDC_ROLE_CLAIM" envDefault:"roles" help:"the claim that has a person's roles, such as admin or bestow-admin; a dot leads into an object"`

	OIDCSecret string `env:"-"` // what OIDCSecretFile has

	RetryLimit     int           `env:"BESTOW_RETRY_LIMIT" envDefault:"5" help:"retries after the first try"`
	RetryBackoff   time.Duration `env:"BESTOW_RETRY_BACKOFF" envDefault:"1m" help:"the first wait; it doubles up to 1h"`
	RelayChunks    int           `env:"BESTOW_RELAY_CHUNKS" envDefault:"5" help:"chunks per relay job"`
	MessageTargets int           `env:"BESTOW_MESSAGE_TARGETS" envDefault:"1000" help:"targets per message"`

	UploadsGiB int `env:"BESTOW_UPLOADS_GIB" envDefault:"20" help:"what member lists that come in pieces may take in the database, all together and until they are imported; GiB"`

	Expiry string `env:"BESTOW_EXPIRY" envDefault:"on" help:"on or off: whether points expire by themselves; off is shown by /readyz and bestow doctor"`

	SpendOrder  string `env:"BESTOW_SPEND_ORDER" envDefault:"saved" help:"saved or expiring: which points of a member are used first"`
	RegrantDays int    `env:"BESTOW_REGRANT_DAYS" envDefault:"30" help:"for how many days points are valid that a cancel gives back after their expiry"`

	TimeZone        string        `env:"BESTOW_TIME_ZONE" envDefault:"Asia/Seoul" help:"time zone of issue and expiry days, and of times shown to people"`
	DataDir         string        `env:"BESTOW_DATA_DIR" help:"folder of the embedded servers (default: the XDG data folder; /var/lib/bestow as root)"`
	Env             string        `env:"BESTOW_ENV" envDefault:"development" help:"production refuses embedded servers and missing keys, and starts an event only if its type has all limits"`
	MaxConns        int           `env:"BESTOW_DB_MAX_CONNS" envDefault:"20" help:"connections to PostgreSQL per process"`
	ShutdownTimeout time.Duration `env:"BESTOW_SHUTDOWN_TIMEOUT" envDefault:"20s" help:"how long a process that stops may finish its work"`

	LogLevel  string `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error"`
	LogFormat string `env:"LOG_FORMAT" help:"text or json (default: text on a terminal, json otherwise)"`
}

// clientNames are settings that the command line reads itself.
var clientNames = []string{"BESTOW_URL", "BESTOW_KEY"}

// Load reads and checks the environment. Its error names every setting that cannot be read; if all can be read, every
// one whose value cannot be used.
func Load() (Config, error) {
	cfg, err := env.ParseAs[Config]()
	if err != nil {
		return cfg, unreadable(err)
	}
	if err := errors.Join(cfg.readFiles(), cfg.readOIDC(), cfg.readMoney(), cfg.readKafka()); err != nil {
		return cfg, err
	}
	return cfg, errors.Join(unknownSettings(os.Environ(), cfg.granterSettings()...), cfg.validate(), cfg.checkMoney(),
		checkBrokers(cfg.Brokers))
}

// unreadable names the settings that could not be read, as the environment and not as the program calls them.
func unreadable(err error) error {
	var all env.AggregateError
	if !errors.As(err, &all) {
		return fmt.Errorf("read settings: %w", err)
	}
	var errs []error
	for _, err := range all.Errors {
		var parse env.ParseError
		field, ok := reflect.StructField{}, false
		if errors.As(err, &parse) {
			field, ok = reflect.TypeFor[Config]().FieldByName(parse.Name)
		}
		switch name := field.Tag.Get("env"); {
		case !ok:
			errs = append(errs, err)
		case field.Type == reflect.TypeFor[time.Duration]():
			errs = append(errs, fmt.Errorf("%s is %q: it must be a duration with its unit, such as 5s or 1m", name,
				os.Getenv(name)))
		default:
			errs = append(errs, fmt.Errorf("%s is %q: it must be a whole number", name, os.Getenv(name)))
		}
	}
	return errors.Join(errs...)
}

func (c *Config) readFiles() error {
	if c.MasterKeyFile == "" {
		return nil
	}
	if c.MasterKey != "" {
		return errors.New("BESTOW_MASTER_KEY and BESTOW_MASTER_KEY_FILE are both set, " +
			"and one would have no effect: unset one")
	}
	body, err := ReadSecret(c.MasterKeyFile, SecretPatience)
	if err != nil {
		return fmt.Errorf("read BESTOW_MASTER_KEY_FILE: %w", err)
	}
	if c.MasterKey = strings.TrimSpace(string(body)); c.MasterKey == "" {
		return errors.New("BESTOW_MASTER_KEY_FILE names a file without a key")
	}
	return nil
}

// Master returns the master key; nil where there is none.
func (c Config) Master() (*seal.Master, error) {
	if c.MasterKey == "" {
		return nil, nil //nolint:nilnil // nil is "no key"
	}
	master, err := seal.NewMaster(c.MasterKey)
	if err != nil {
		return nil, fmt.Errorf("read BESTOW_MASTER_KEY: %w", err)
	}
	return master, nil
}

// LeastConns is the number of connections that a process needs at least.
const LeastConns = 6

// topicPrefix holds what a Kafka topic may begin with; its whole name has 249 characters at most.
var topicPrefix = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,100}$`)

// validate returns an error that names every setting that is wrong.
func (c Config) validate() error {
	errs := append(c.outOfRange(), c.checkEnv(), c.checkAdminKey(), c.checkOIDC(), c.checkKafka(), c.checkDatabases())
	if _, err := c.Proxies(); err != nil {
		errs = append(errs, err)
	}
	// the machine's, which the database does not know
	if _, err := time.LoadLocation(c.TimeZone); err != nil || c.TimeZone == "Local" {
		errs = append(errs, fmt.Errorf("BESTOW_TIME_ZONE is %q: it must be a name such as Asia/Seoul", c.TimeZone))
	}
	if c.Expiry != "on" && c.Expiry != "off" {
		errs = append(errs, fmt.Errorf("BESTOW_EXPIRY is %q: it must be on or off", c.Expiry))
	}
	if c.SpendOrder != string(money.SpendSaved) && c.SpendOrder != string(money.SpendExpiring) {
		errs = append(errs, fmt.Errorf("BESTOW_SPEND_ORDER is %q: it must be saved or expiring", c.SpendOrder))
	}
	return errors.Join(errs...)
}

// ExpiryOff reports whether no points expire by themselves.
func (c Config) ExpiryOff() bool { return c.Expiry == "off" }

// outOfRange names the settings that are too small, too large or badly formed.
func (c Config) outOfRange() (errs []error) {
	bad := func(when bool, format string, args ...any) {
		if when {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(!topicPrefix.MatchString(c.TopicPrefix),
		"BESTOW_TOPIC_PREFIX must be 1 to 100 of the characters a-z A-Z 0-9 . _ -, such as grants")
	bad(c.Partitions < 1 || c.Partitions > 1000, "BESTOW_TOPIC_PARTITIONS is %d: it must be 1 to 1000", c.Partitions)
	bad(c.Replication < 0 || c.Replication > 100,
		"BESTOW_TOPIC_REPLICATION is %d: it must be 0, for the broker's default, to 100", c.Replication)
	bad(c.RetryLimit < 0 || c.RetryLimit > 1000, "BESTOW_RETRY_LIMIT is %d: it must be 0 to 1000", c.RetryLimit)
	bad(c.RetryBackoff <= 0 || c.RetryBackoff > time.Hour,
		"BESTOW_RETRY_BACKOFF is %s: it must be above 0 and at most 1h", c.RetryBackoff)
	bad(c.RelayChunks < 1 || c.RelayChunks > 100, "BESTOW_RELAY_CHUNKS is %d: it must be 1 to 100", c.RelayChunks)
	bad(c.MessageTargets < 1 || c.MessageTargets > 5000, "BESTOW_MESSAGE_TARGETS is %d: it must be 1 to 5000",
		c.MessageTargets)
	bad(c.UploadsGiB < 1 || c.UploadsGiB > 100_000, "BESTOW_UPLOADS_GIB is %d: it must be 1 to 100000", c.UploadsGiB)
	bad(c.RegrantDays < 1 || c.RegrantDays > money.MaxRegrantDays, "BESTOW_REGRANT_DAYS is %d: it must be 1 to %d",
		c.RegrantDays, money.MaxRegrantDays)
	bad(c.MaxConns < LeastConns || c.MaxConns > 10_000, "BESTOW_DB_MAX_CONNS is %d: it must be %d to 10000", c.MaxConns,
		LeastConns)
	bad(c.ShutdownTimeout <= 0 || c.ShutdownTimeout > time.Hour,
		"BESTOW_SHUTDOWN_TIMEOUT is %s: it must be above 0 and at most 1h", c.ShutdownTimeout)
	return errs
}

// checkEnv refuses an unknown environment, and production without its keys.
func (c Config) checkEnv() error {
	switch {
	case c.Env == "development":
		return nil
	case c.Env != "production":
		return fmt.Errorf("BESTOW_ENV is %q: it must be development or production", c.Env)
	}
	var errs []error
	if c.AdminKey == "" {
		errs = append(errs, errors.New("BESTOW_ADMIN_KEY is not set: production needs it"))
	}
	if c.MasterKey == "" {
		errs = append(errs, errors.New("BESTOW_MASTER_KEY is not set: production needs it"))
	}
	return errors.Join(errs...)
}

// Limits are the settings that use cases obey.
func (c Config) Limits() app.Limits {
	l := app.DefaultLimits()
	l.Retry = domain.RetryPolicy{Limit: c.RetryLimit, Backoff: c.RetryBackoff}
	l.MessageTargets, l.RelayChunks = c.MessageTargets, c.RelayChunks
	l.Imports = max(1, c.MaxConns/4)
	l.UploadSpace = int64(c.UploadsGiB) << 30
	return l
}

// Shared returns the settings that all processes of an installation must have alike, in all roles.
func (c Config) Shared() processes.Settings {
	s := processes.Settings{
		processes.TimeZoneSetting: c.TimeZone, processes.EnvSetting: c.Env,
		processes.ExpirySetting: c.Expiry,
	}
	if master, err := c.Master(); err == nil && master != nil {
		s[processes.MasterKeySetting] = master.ID()
	}
	return s
}

// Kafka returns the settings of Kafka.
func (c Config) Kafka() outbox.KafkaConfig {
	return outbox.KafkaConfig{
		Brokers: c.Brokers, Security: c.KafkaSecurity, TopicPrefix: c.TopicPrefix, Partitions: c.Partitions,
		Replication: c.Replication,
	}
}

// OpenDataDir makes the folder where embedded servers keep their files, and the command's own one in it, "" for none.
// Servers that run as another user pass both.
func (c Config) OpenDataDir(command string) (string, error) {
	top, err := embedpg.DefaultDir()
	if c.DataDir != "" {
		top, err = filepath.Abs(c.DataDir)
	}
	if err != nil {
		return "", err
	}
	dir := filepath.Join(top, command)
	if err = ownfiles.GivenFolder(top, "demo", "bench", "kafka"); err == nil && dir != top {
		err = ownfiles.SharedFolder(dir)
	}
	if err != nil {
		return "", fmt.Errorf("make data folder: %w: set BESTOW_DATA_DIR to a folder that is yours", err)
	}
	return dir, nil
}

// List lists the names that Config reads, with default and meaning, in the order of their declaration.
func List() []Setting {
	t := reflect.TypeFor[Config]()
	list := make([]Setting, 0, t.NumField())
	for i := range t.NumField() {
		tag := t.Field(i).Tag
		if tag.Get("env") == "-" {
			continue // it is made of another
		}
		list = append(list, Setting{tag.Get("env"), tag.Get("envDefault"), tag.Get("help")})
	}
	return list
}
