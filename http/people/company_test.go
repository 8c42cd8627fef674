package people_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"bestow/app"
	"bestow/app/oidc"
	"bestow/domain"
	bestowhttp "bestow/http"
	"bestow/http/api"
	"bestow/http/people"
	"bestow/internal/apitest"
	"bestow/internal/desktest"
	"bestow/jobs"

	"github.com/stretchr/testify/require"
)

const (
	client = "bestow-client"
	secret = "a-secret-of-the-client"
)

// provider is a small OpenID provider: it signs in each browser as the person with the claims.
type provider struct {
	*httptest.Server

	key *rsa.PrivateKey

	mu     sync.Mutex
	person map[string]any        // further claims of a token, in the place of ours
	codes  map[string]url.Values // what the browser asked with, by the code that it got
	forge  func(token string) string
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p := &provider{key: key, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
			"jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
			"n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *provider) answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // the client is gone
}

// token gives a token for a code once, to the client that shows its secret and what its challenge was made of.
func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = r.ParseForm()
	asked, known := p.codes[r.PostForm.Get("code")]
	delete(p.codes, r.PostForm.Get("code"))
	id, shown, _ := r.BasicAuth()
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	if !known || id != client || shown != secret || asked.Get("code_challenge") != encode(sum[:]) ||
		asked.Get("code_challenge_method") != "S256" || asked.Get("redirect_uri") != r.PostForm.Get("redirect_uri") {
		w.WriteHeader(http.StatusBadRequest)
		p.answer(w, map[string]any{"error": "invalid_grant"})
		return
	}
	claims := map[string]any{
		"iss": p.URL, "aud": client, "sub": "u-1", "nonce": asked.Get("nonce"), "preferred_username": "kim",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "auth_time": time.Now().Unix(),
		"roles": []string{"staff", "bestow-operator"},
	}
	for name, value := range p.person {
		claims[name] = value
	}
	token := p.sign(claims)
	if p.forge != nil {
		token = p.forge(token)
	}
	p.answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": token})
}

func (p *provider) sign(claims map[string]any) string {
	body, _ := json.Marshal(claims) //nolint:errchkjson // of a test
	text := encode([]byte(`{"alg":"RS256","kid":"1"}`)) + "." + encode(body)
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	return text + "." + encode(signature)
}

// companyDesk is a desk whose people sign in with a provider.
type companyDesk struct {
	desk

	provider *provider
}

func setupCompany(t *testing.T) companyDesk {
	t.Helper()
	p := newProvider(t)
	d := setup(t)
	inserter, err := jobs.NewInserter(d.Pool)
	require.NoError(t, err)
	a, err := app.New(app.Deps{Pool: d.Pool, River: inserter, Company: oidc.New(oidc.Config{
		Issuer: p.URL, ClientID: client, ClientSecret: secret, RoleClaim: "roles",
	})})
	require.NoError(t, err)
	d.Server = apitest.Listen(d.Desk, bestowhttp.Config{App: a})
	d.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return companyDesk{d, p}
}

// begin is a browser at /auth/oidc/start: it returns what the provider is asked with, and the browser's cookie.
func (d companyDesk) begin(query string) (url.Values, string) {
	d.Helper()
	a := d.Get("/auth/oidc/start"+query, noKey)
	require.Equal(d, 302, a.StatusCode, a.Text)
	to, err := url.Parse(a.Header.Get("Location"))
	require.NoError(d, err)
	require.True(d, strings.HasPrefix(to.String(), d.provider.URL+"/authorize?"))
	c := a.Cookies()[0]
	require.True(d, c.HttpOnly && c.Secure && c.Path == "/" && c.MaxAge == 600)
	return to.Query(), "Cookie: " + c.Name + "=" + c.Value
}

// back is the browser that the provider sends back with a code.
func (d companyDesk) back(asked url.Values, cookie string) desktest.Answer {
	d.Helper()
	d.provider.mu.Lock()
	d.provider.codes["c"] = asked
	d.provider.mu.Unlock()
	return d.Get("/auth/oidc/callback?code=c&state="+asked.Get("state"), noKey, cookie)
}

// signIn goes all the way as a person with the claims.
func (d companyDesk) signIn(person map[string]any) desktest.Answer {
	d.Helper()
	d.provider.person = person
	asked, cookie := d.begin("")
	return d.back(asked, cookie)
}

// session returns the header of the session that an answer begins.
func (d companyDesk) session(a desktest.Answer) string {
	d.Helper()
	require.Equal(d, 303, a.StatusCode, a.Text)
	require.Equal(d, "/", a.Header.Get("Location"))
	for _, c := range a.Cookies() {
		if c.Name == "__Host-bestow" {
			return "Cookie: " + c.Name + "=" + c.Value
		}
	}
	d.Fatal("no session")
	return ""
}

// A person whom the provider gives a role is signed in, made at the first time, and has the role that it gives now.
func TestCompanySignIn(t *testing.T) {
	t.Parallel()
	d := setupCompany(t)
	asked, cookie := d.begin("")
	require.Equal(t, client, asked.Get("client_id"))
	require.Equal(t, d.URL+"/auth/oidc/callback", asked.Get("redirect_uri"), "http, since it is on this machine")
	require.Equal(t, "code", asked.Get("response_type"))
	require.Contains(t, asked.Get("scope"), "openid")
	first := d.session(d.back(asked, cookie))
	me := desktest.Decoded[people.Me](d.Get(prefix+"/session", noKey, first))
	require.Equal(t, "kim", me.Name)
	require.Equal(t, "operator", me.Role)
	require.WithinDuration(t, time.Now().Add(5*time.Minute), me.Session.FreshUntil, 10*time.Second)

	second := d.session(d.signIn(map[string]any{"roles": "Admin", "preferred_username": "renamed"}))
	me = desktest.Decoded[people.Me](d.Get(prefix+"/session", noKey, second))
	require.Equal(t, "kim", me.Name, "it is the subject that counts")
	require.Equal(t, "admin", me.Role)
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'person.role' AND actor LIKE 'oidc:127.0.0.1%'
		AND before = '{"role": "operator"}' AND after = '{"role": "admin"}'`))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM audit_log WHERE action = 'person.create'`))

	p := d.signIn(map[string]any{"roles": []string{"staff"}}).Refused(403, domain.NoRole)
	require.Contains(t, p.Hint, "BESTOW_OIDC_ROLE_CLAIM")
	d.Get(prefix+"/session", noKey, second).Refused(401, api.Unauthorized)
	d.signIn(map[string]any{"roles": 7, "sub": "u-2", "preferred_username": "lee"}).Refused(403, domain.NoRole)
	require.Zero(t, d.Count(`SELECT count(*) FROM principals WHERE name = 'lee'`))

	d.SQL(`UPDATE principals SET disabled_at = now() WHERE name = 'kim'`)
	d.signIn(nil).Refused(401, domain.NoSignIn)
}

// No name is taken over: neither a service's nor another person's. A verified address comes before a user name.
func TestCompanyNames(t *testing.T) {
	t.Parallel()
	d := setupCompany(t)
	d.session(d.signIn(nil))
	d.signIn(map[string]any{"sub": "u-2"}).Refused(409, domain.NameTaken)
	d.signIn(map[string]any{"sub": "u-2", "preferred_username": "admin"}).Refused(422, domain.Invalid)
	d.signIn(map[string]any{"sub": "u-2", "preferred_username": "host:root"}).Refused(422, domain.Invalid)
	d.signIn(map[string]any{"sub": "u-2", "preferred_username": strings.Repeat("x", 51)}).Refused(422, domain.Invalid)
	for name, claims := range map[string]map[string]any{
		"lee@example.com": {"sub": "u-2", "email": "lee@example.com", "email_verified": true},
		"park":            {"sub": "u-3", "email": "kim@example.com", "preferred_username": "park"},
		"u-4":             {"sub": "u-4", "preferred_username": ""},
	} {
		session := d.session(d.signIn(claims))
		require.Equal(t, name, desktest.Decoded[people.Me](d.Get(prefix+"/session", noKey, session)).Name)
	}
}

// A token that the provider did not sign, for this client, this sign-in and now, begins no session.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	d := setupCompany(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for name, person := range map[string]map[string]any{
		"another client": {"aud": "other"}, "another issuer": {"iss": "https://evil.example"}, "no nonce": {"nonce": ""},
		"another nonce": {"nonce": "x"}, "expired": {"exp": time.Now().Add(-time.Minute).Unix()},
		"no subject": {"sub": ""}, "long subject": {"sub": strings.Repeat("x", 256)}, "odd subject": {"sub": "a\x00b"},
		"made for another": {"aud": []string{client, "other"}, "azp": "other"},
	} {
		t.Log(name)
		d.signIn(person).Refused(401, domain.CompanyRefused)
	}
	require.Contains(t, d.Logged.String(), "expected audience", "the log says why")
	require.NotContains(t, d.Logged.String(), secret)
	for name, forge := range map[string]func(token string) string{
		"another key": func(token string) string {
			text := token[:strings.LastIndex(token, ".")]
			sum := sha256.Sum256([]byte(text))
			signature, _ := rsa.SignPKCS1v15(rand.Reader, other, crypto.SHA256, sum[:])
			return text + "." + encode(signature)
		},
		"no signature": func(token string) string {
			return encode([]byte(`{"alg":"none"}`)) + "." + strings.Split(token, ".")[1] + "."
		},
		"changed": func(token string) string {
			parts := strings.Split(token, ".")
			body, _ := base64.RawURLEncoding.DecodeString(parts[1])
			parts[1] = encode(bytes.ReplaceAll(body, []byte("operator"), []byte("approver")))
			return strings.Join(parts, ".")
		},
		"none": func(string) string { return "" },
	} {
		t.Log(name)
		d.provider.forge = forge
		d.signIn(nil).Refused(401, domain.CompanyRefused)
	}
	d.provider.forge = nil
	require.Zero(t, d.Count(`SELECT count(*) FROM sessions`))
	d.session(d.signIn(nil))
}

// The answer of the provider counts for the browser that began the sign-in, and once.
func TestForeignFlow(t *testing.T) {
	t.Parallel()
	d := setupCompany(t)
	asked, cookie := d.begin("")
	other, otherCookie := d.begin("")
	require.NotEqual(t, asked.Get("state"), other.Get("state"))
	d.back(asked, "Cookie: a=b").Refused(401, domain.CompanyRefused)
	d.back(asked, otherCookie).Refused(401, domain.CompanyRefused)
	d.back(asked, "Cookie: __Host-bestow-oidc=x").Refused(401, domain.CompanyRefused)
	mixed := url.Values{"state": asked["state"], "code_challenge": other["code_challenge"], "code_challenge_method": {"S256"}, "redirect_uri": asked["redirect_uri"]}
	d.back(mixed, cookie).Refused(401, domain.CompanyRefused)
	d.provider.mu.Lock()
	d.provider.codes["c"] = asked
	d.provider.mu.Unlock()
	d.Get("/auth/oidc/callback?code=c&state="+other.Get("state"), noKey, cookie).Refused(401, domain.CompanyRefused)
	d.session(d.back(asked, cookie))
	again := d.Get("/auth/oidc/callback?code=c&state="+asked.Get("state"), noKey, cookie)
	again.Refused(401, domain.CompanyRefused)
	require.Contains(t, d.Logged.String(), "the provider answers 400")
	d.Get("/auth/oidc/callback?error=access_denied&state="+asked.Get("state"), noKey, cookie).Refused(401, domain.CompanyRefused)
	d.Get("/auth/oidc/callback", noKey).Refused(401, domain.CompanyRefused)
}

// A session is fresh only if the provider says that the person has just shown who they are.
func TestCompanyFresh(t *testing.T) {
	t.Parallel()
	d := setupCompany(t)
	for _, at := range []any{nil, time.Now().Add(-time.Hour).Unix(), time.Now().Add(-5 * time.Minute).Unix()} {
		session := d.session(d.signIn(map[string]any{"roles": "admin", "auth_time": at}))
		d.Post(prefix+"/keys", `{"name": "crm", "role": "viewer"}`, noKey, session).Refused(401, api.StepUpNeeded)
	}
	asked, cookie := d.begin("?fresh=true")
	require.Equal(t, "login", asked.Get("prompt"))
	require.Equal(t, "0", asked.Get("max_age"))
	d.provider.person = map[string]any{"roles": "admin", "auth_time": time.Now().Add(time.Hour).Unix()}
	session := d.session(d.back(asked, cookie))
	me := desktest.Decoded[people.Me](d.Get(prefix+"/session", noKey, session))
	require.WithinDuration(t, time.Now().Add(5*time.Minute), me.Session.FreshUntil, 10*time.Second, "no longer than that")
	a := d.Post(prefix+"/keys", `{"name": "crm", "role": "viewer"}`, noKey, session)
	require.Equal(t, 201, a.StatusCode, a.Text)
}

// With a provider, passwords are for those who were invited on the host alone.
func TestPasswordsBesideCompany(t *testing.T) {
	t.Parallel()
	d := setupCompany(t)
	d.Post(prefix+"/invites", `{"name": "lee", "role": "viewer"}`).Refused(409, domain.PasswordsOff)
	copied := *d.Desk
	without := desk{&copied}
	without.Server = apitest.Listen(d.Desk, bestowhttp.Config{App: d.App})
	phone, _ := without.enrolled("kim", domain.Admin)
	require.Equal(t, 201, without.signIn(phone).StatusCode)
	d.desk.signIn(phone).Refused(401, domain.NoSignIn)
	d.SQL(`UPDATE passwords SET invited_by = 'host:root', wrong_codes = 0`)
	require.Equal(t, 201, d.desk.signIn(phone).StatusCode)
}

// A provider that is away is told of, and asked again a second later.
func TestProviderAway(t *testing.T) {
	t.Parallel()
	d := setupCompany(t)
	address := d.provider.Config.Handler
	var away sync.Map
	away.Store("yes", true)
	d.provider.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, is := away.Load("yes"); is {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		address.ServeHTTP(w, r)
	})
	d.Get("/auth/oidc/start", noKey).Refused(503, domain.Unavailable)
	away.Delete("yes")
	require.Eventually(t, func() bool {
		return d.Get("/auth/oidc/start", noKey).StatusCode == http.StatusFound
	}, 20*time.Second, 100*time.Millisecond)
	d.session(d.signIn(nil))
}
