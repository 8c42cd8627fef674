package settings

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"bestow/domain"
)

// LedgerAddress says where a ledger is that is asked over HTTP.
type LedgerAddress struct {
	Name    string // of the granter
	Setting string // that says where it is
	URL     string
	Token   string
	Limits  LedgerLimits
}

// LedgerLimits says how much a ledger takes. A zero value is no limit.
type LedgerLimits struct {
	MaxItems int           // grants of one call
	Rate     int           // calls a second, of each process
	Timeout  time.Duration // of one call
}

// Ledgers are the ledgers that are asked over HTTP: ours, if BESTOW_MONEY_URL is set, and those of BESTOW_GRANTERS.
func (c Config) Ledgers() []LedgerAddress {
	all := slices.Clone(c.Others)
	if c.MoneyURL != "" {
		all = append(all, LedgerAddress{
			Name: domain.OurGranter, Setting: "BESTOW_MONEY_URL", URL: c.MoneyURL, Token: c.MoneyToken,
		})
	}
	return all
}

// readMoney reads the token of our ledger, and which further ledgers there are, with their tokens.
func (c *Config) readMoney() error {
	if c.MoneyTokenFile != "" && c.MoneyToken != "" {
		return errors.New("BESTOW_MONEY_TOKEN and BESTOW_MONEY_TOKEN_FILE are both set, " +
			"and one would have no effect: unset one")
	}
	var errs []error
	if c.MoneyTokenFile != "" {
		var err error
		c.MoneyToken, err = ReadToken("BESTOW_MONEY_TOKEN_FILE", c.MoneyTokenFile)
		errs = append(errs, err)
	}
	for i, entry := range c.Granters {
		at, err := granterOf(entry)
		if err != nil {
			errs = append(errs, fmt.Errorf("BESTOW_GRANTERS: entry %d %w", i+1, err))
			continue
		}
		if slices.ContainsFunc(c.Others,
			func(other LedgerAddress) bool { return tokenSetting(other.Name) == tokenSetting(at.Name) }) {
			errs = append(errs, fmt.Errorf("BESTOW_GRANTERS: the name %s stands twice", at.Name))
			continue
		}
		at.Token, err = ReadToken(tokenSetting(at.Name), os.Getenv(tokenSetting(at.Name)))
		errs = append(errs, err)
		at.Limits, err = limitsOf(at.Name)
		errs = append(errs, err)
		c.Others = append(c.Others, at)
	}
	return errors.Join(errs...)
}

// granterName is the name of a further ledger, as event types have it.
var granterName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,29}$`)

// granterOf reads name=url. An entry is not repeated, since a URL may hold a password.
func granterOf(entry string) (LedgerAddress, error) {
	name, at, found := strings.Cut(strings.TrimSpace(entry), "=")
	switch {
	case !found || at == "":
		return LedgerAddress{}, errors.New("is not name=url, such as coupon=https://coupon.example")
	case !granterName.MatchString(name):
		return LedgerAddress{}, errors.New("has a name that is not 1 to 30 of a-z, 0-9, _ and -, a letter first")
	case name == domain.OurGranter:
		return LedgerAddress{}, errors.New("has the name money, which is our own ledger's: " +
			"BESTOW_MONEY_URL says where that is")
	}
	return LedgerAddress{Name: name, Setting: "BESTOW_GRANTERS: " + name, URL: at}, nil
}

// settingOf is a setting of one further ledger.
func settingOf(granter, what string) string {
	return "BESTOW_GRANTER_" + strings.ToUpper(strings.ReplaceAll(granter, "-", "_")) + what
}

// tokenSetting is the setting that names the file with the token of a further ledger.
func tokenSetting(granter string) string { return settingOf(granter, "_TOKEN_FILE") }

// GranterSettings are the settings that a further ledger needs.
func GranterSettings(granter string) []string {
	return []string{"BESTOW_GRANTERS", tokenSetting(granter)}
}

// The settings that say how much a further ledger takes.
const (
	maxItemsSetting = "_MAX_ITEMS"
	rateSetting     = "_RATE"
	timeoutSetting  = "_TIMEOUT"
)

// The bounds of a ledger's limits: the money protocol takes that many items, and a batch must end within ten seconds.
const (
	mostItems   = 5000
	mostCalls   = 10_000
	mostTimeout = 10 * time.Second
)

// limitsOf reads how much a further ledger takes.
func limitsOf(granter string) (l LedgerLimits, err error) {
	var errs []error
	number := func(what string, most int, to *int) {
		setting := settingOf(granter, what)
		text := os.Getenv(setting)
		if text == "" {
			return
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > most {
			errs = append(errs, fmt.Errorf("%s must be a number from 1 to %d, such as 100", setting, most))
			return
		}
		*to = n
	}
	number(maxItemsSetting, mostItems, &l.MaxItems)
	number(rateSetting, mostCalls, &l.Rate)
	if setting := settingOf(granter, timeoutSetting); os.Getenv(setting) != "" {
		l.Timeout, err = time.ParseDuration(os.Getenv(setting))
		if err != nil || l.Timeout < 100*time.Millisecond || l.Timeout > mostTimeout {
			errs = append(errs, fmt.Errorf("%s must be from 100ms to %s, such as 2s", setting, mostTimeout))
		}
	}
	return l, errors.Join(errs...)
}

// ReadToken reads the token of a ledger from a file, whose name a setting gives.
func ReadToken(setting, file string) (string, error) {
	if file == "" {
		return "", fmt.Errorf("%s is not set: it names the file with the ledger's token", setting)
	}
	text, err := ReadSecret(file, SecretPatience)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", setting, err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("%s names a file without a token", setting)
	}
	return token, nil
}

// granterSettings are the settings that BESTOW_GRANTERS gives a meaning.
func (c Config) granterSettings() (names []string) {
	for _, at := range c.Others {
		names = append(names, tokenSetting(at.Name), settingOf(at.Name, maxItemsSetting),
			settingOf(at.Name, rateSetting), settingOf(at.Name, timeoutSetting))
	}
	return names
}

// checkMoney refuses addresses and tokens that cannot be used, and in production those that others could read or guess.
func (c Config) checkMoney() error {
	var errs []error
	if c.MoneyURL != "" && c.MoneyToken == "" {
		errs = append(errs, errors.New("BESTOW_MONEY_TOKEN is not set: the ledger at BESTOW_MONEY_URL asks for it"))
	}
	if c.MoneyToken != "" {
		errs = append(errs, c.checkToken("BESTOW_MONEY_TOKEN", c.MoneyToken))
	}
	for _, at := range c.Ledgers() {
		errs = append(errs, c.checkAddress(at))
	}
	for _, at := range c.Others {
		if at.Token != "" {
			errs = append(errs, c.checkToken(tokenSetting(at.Name), at.Token))
		}
	}
	return errors.Join(errs...)
}

// checkAddress refuses what is no address, and in production one that sends in the clear.
func (c Config) checkAddress(at LedgerAddress) error {
	u, err := url.Parse(at.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil:
		return fmt.Errorf("%s is not http://host or https://host, without user and password", at.Setting)
	case c.Env == "production" && u.Scheme == "http" && !isLoopback(u.Hostname()):
		return fmt.Errorf("%s begins with http://, so that the token and PINs would be sent in the clear: "+
			"production needs https://", at.Setting)
	}
	return nil
}

// checkToken refuses a token that no request can carry, and in production one that can be guessed.
func (c Config) checkToken(setting, token string) error {
	switch {
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return fmt.Errorf("%s has blanks or characters beside ASCII, which no request can carry: "+
			"`openssl rand -hex 24` makes a good token", setting)
	case c.Env == "production" && len(token) < leastKey:
		return fmt.Errorf("%s has fewer than %d characters, which production refuses: "+
			"`openssl rand -hex 24` makes a good token", setting, leastKey)
	}
	return nil
}

// isLoopback reports whether host is this machine.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
