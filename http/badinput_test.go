package http

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/http/api"
	"bestow/internal/desktest"

	"github.com/stretchr/testify/require"
)

// Every way to spoil the body of POST /events, and what it gets. The fields are those that the answer must name.
func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	d := setup(t)
	with := func(field string) string { return `{"campaign_id": "c", "event_type": "POINT", ` + field + `}` }
	campaign := func(id string) string { return fmt.Sprintf(`{"event_type": "POINT", "campaign_id": "%s"}`, id) }
	cases := map[string]struct {
		body   string
		status int
		code   string
		fields []string
	}{
		"nothing":                    {"", 400, api.Malformed, nil},
		"not JSON":                   {`campaign_id=c`, 400, api.Malformed, nil},
		"truncated":                  {`{"campaign_id": "c", "event_ty`, 400, api.Malformed, nil},
		"trailing data":              {with(`"default_amount": 1`) + `{}`, 400, api.Malformed, nil},
		"null":                       {`null`, 400, api.Malformed, nil},
		"a list":                     {`[]`, 400, api.Malformed, nil},
		"a string":                   {`"c"`, 400, api.Malformed, nil},
		"a name twice":               {with(`"campaign_id": "d"`), 400, api.Malformed, nil},
		"a name twice by escapes":    {with(`"campaign\u005fid": "d"`), 400, api.Malformed, nil},
		"not UTF-8":                  {campaign("\xff"), 400, api.Malformed, nil},
		"half a surrogate":           {campaign(`\ud800`), 400, api.Malformed, nil},
		"unknown names":              {with(`"x": 1, "y": 2`), 400, api.Malformed, []string{"body.x", "body.y"}},
		"a name in another case":     {with(`"Default_Amount": 1`), 400, api.Malformed, []string{"body.Default_Amount"}},
		"status from outside":        {with(`"event_status": "RUNNING"`), 400, api.Malformed, []string{"body.event_status"}},
		"counters from outside":      {with(`"total_count": 5, "summary": {"success_count": 5}`), 400, api.Malformed, []string{"body.summary", "body.total_count"}},
		"created_by from outside":    {with(`"created_by": "me"`), 400, api.Malformed, []string{"body.created_by"}},
		"id from outside":            {with(`"id": 7`), 400, api.Malformed, []string{"body.id"}},
		"over 1 MiB":                 {with(`"default_reason": "` + strings.Repeat("x", 1<<20) + `"`), 413, api.TooLarge, nil},
		"amount as text":             {with(`"default_amount": "1000"`), 422, "invalid", []string{"body.default_amount"}},
		"amount 1e3":                 {with(`"default_amount": 1e3`), 422, "invalid", []string{"body.default_amount"}},
		"amount 1000.5":              {with(`"default_amount": 1000.5`), 422, "invalid", []string{"body.default_amount"}},
		"amount 0":                   {with(`"default_amount": 0`), 422, "invalid", []string{"body.default_amount"}},
		"amount negative":            {with(`"default_amount": -1`), 422, "invalid", []string{"body.default_amount"}},
		"amount over int64":          {with(`"default_amount": 9223372036854775808`), 422, "invalid", []string{"body.default_amount"}},
		"amount a list":              {with(`"default_amount": [1]`), 422, "invalid", []string{"body.default_amount"}},
		"amount true":                {with(`"default_amount": true`), 422, "invalid", []string{"body.default_amount"}},
		"type unknown":               {`{"campaign_id": "c", "event_type": "COUPON"}`, 422, "invalid", []string{"body.event_type"}},
		"type in lower case":         {`{"campaign_id": "c", "event_type": "point"}`, 422, "invalid", []string{"body.event_type"}},
		"type a table":               {`{"campaign_id": "c", "event_type": "point_targets; --"}`, 422, "invalid", []string{"body.event_type"}},
		"type missing":               {`{"campaign_id": "c"}`, 422, "invalid", []string{"body.event_type"}},
		"campaign missing":           {`{"event_type": "POINT"}`, 422, "invalid", []string{"body.campaign_id"}},
		"campaign null":              {`{"event_type": "POINT", "campaign_id": null}`, 422, "invalid", []string{"body.campaign_id"}},
		"campaign a number":          {`{"event_type": "POINT", "campaign_id": 7}`, 422, "invalid", []string{"body.campaign_id"}},
		"campaign empty":             {campaign(""), 422, "invalid", []string{"body.campaign_id"}},
		"campaign blank":             {campaign(" \u3000\u00a0 "), 422, "invalid", []string{"body.campaign_id"}},
		"campaign of 51 characters":  {campaign(strings.Repeat("가", 51)), 422, "invalid", []string{"body.campaign_id"}},
		"campaign with a line end":   {campaign(`a\nb`), 422, "invalid", []string{"body.campaign_id"}},
		"campaign with bidi":         {campaign("a\u202eb"), 422, "invalid", []string{"body.campaign_id"}},
		"campaign with an isolate":   {campaign("a\u2066b"), 422, "invalid", []string{"body.campaign_id"}},
		"campaign with NUL":          {campaign(`a\u0000b`), 422, "invalid", []string{"body.campaign_id"}},
		"campaign with outer spaces": {campaign(" c"), 422, "invalid", []string{"body.campaign_id"}},
		"reason of 501 characters":   {with(`"default_reason": "` + strings.Repeat("봄", 501) + `"`), 422, "invalid", []string{"body.default_reason"}},
		"name of 101 characters":     {with(`"name": "` + strings.Repeat("봄", 101) + `"`), 422, "invalid", []string{"body.name"}},
		"name as a number":           {with(`"name": 7`), 422, "invalid", []string{"body.name"}},
		"reason with NUL":            {with(`"default_reason": "\u0000"`), 422, "invalid", []string{"body.default_reason"}},
		"expiry in the past":         {with(`"expiry_at": "2020-01-01T00:00:00Z"`), 422, "invalid", []string{"body.expiry_at"}},
		"expiry in year 0":           {with(`"expiry_at": "0000-01-01T00:00:00Z"`), 422, "invalid", []string{"body.expiry_at"}},
		"expiry at the reservation": {
			with(`"expiry_at": "2999-01-01T00:00:00Z", "reservation_at": "2999-01-01T00:00:00Z"`),
			422, "invalid",
			[]string{"body.expiry_at"},
		},
		"expiry without a zone":         {with(`"expiry_at": "2999-01-01T00:00:00"`), 422, "invalid", []string{"body.expiry_at"}},
		"expiry on 30 February":         {with(`"expiry_at": "2999-02-30T00:00:00Z"`), 422, "invalid", []string{"body.expiry_at"}},
		"expiry a date":                 {with(`"expiry_at": "2999-01-01"`), 422, "invalid", []string{"body.expiry_at"}},
		"expiry a number":               {with(`"expiry_at": 32472144000`), 422, "invalid", []string{"body.expiry_at"}},
		"expiry at 24 o'clock":          {with(`"expiry_at": "2999-01-01T24:00:00Z"`), 422, "invalid", []string{"body.expiry_at"}},
		"partitions 0":                  {with(`"partition_count": 0`), 422, "invalid", []string{"body.partition_count"}},
		"partitions negative":           {with(`"partition_count": -1`), 422, "invalid", []string{"body.partition_count"}},
		"partitions 65":                 {with(`"partition_count": 65`), 422, "invalid", []string{"body.partition_count"}},
		"partitions 2^64":               {with(`"partition_count": 18446744073709551616`), 422, "invalid", []string{"body.partition_count"}},
		"reservation in half a second":  {with(`"reservation_at": "2999-01-01T00:00:00.5Z"`), 422, "invalid", []string{"body.reservation_at"}},
		"priority over int32":           {with(`"reservation_priority": 2147483648`), 422, "invalid", []string{"body.reservation_priority"}},
		"all that can be wrong at once": {`{"campaign_id": "", "event_type": "X", "default_amount": "1", "expiry_at": "2020-01-01T00:00:00Z", "partition_count": 0}`, 422, "invalid", []string{"body.default_amount", "body.campaign_id", "body.event_type", "body.partition_count", "body.expiry_at"}},
	}
	t.Run("each", func(t *testing.T) {
		t.Parallel()
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				a := d.in(t).Post("/api/v1/events", c.body, "Content-Type: application/json")
				p := a.Refused(c.status, c.code)
				require.Equal(t, c.fields, desktest.Locations(p), a.Text)
				require.NotEmpty(t, p.Hint)
			})
		}
	})
}

// Requests that are wrong whatever the body says.
func TestRefusesRequests(t *testing.T) {
	t.Parallel()
	d := setup(t)
	e := d.PointEvent("there")
	event := desktest.EventURL(e.ID)
	good := `{"campaign_id": "c", "event_type": "POINT"}`
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write([]byte(good))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	csv := "Content-Type: text/csv"
	for name, c := range map[string]struct {
		call
		status int
		code   string
	}{
		"form":                       {call{"POST", "/api/v1/events", good, []string{"Content-Type: application/x-www-form-urlencoded"}}, 415, api.UnsupportedType},
		"no type":                    {call{"POST", "/api/v1/events", good, []string{"Content-Type: "}}, 415, api.UnsupportedType},
		"no body":                    {call{"POST", "/api/v1/stop-all", "", nil}, 400, api.Malformed},
		"no body, no type":           {call{"POST", "/api/v1/brake", "", []string{"Content-Type: "}}, 400, api.Malformed},
		"no list":                    {call{"POST", event + "/targets", "", []string{"Content-Type: "}}, 400, api.Malformed},
		"nonsense for a type":        {call{"POST", "/api/v1/events", good, []string{"Content-Type: ;;"}}, 415, api.UnsupportedType},
		"compressed":                 {call{"POST", "/api/v1/events", packed.String(), []string{"Content-Encoding: gzip"}}, 415, api.UnsupportedType},
		"a list as JSON":             {call{"POST", event + "/targets", good, nil}, 415, api.UnsupportedType},
		"a list as a spreadsheet":    {call{"POST", event + "/targets", "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", []string{"Content-Type: application/vnd.ms-excel"}}, 415, domain.UnsupportedFile},
		"a list in another type":     {call{"POST", event + "/targets", "PK", []string{"Content-Type: application/zip"}}, 415, api.UnsupportedType},
		"key too long":               {call{"POST", "/api/v1/events", good, []string{"Idempotency-Key: " + strings.Repeat("k", 201)}}, 400, api.BadRequest},
		"key with a control":         {call{"POST", "/api/v1/events", good, []string{"Idempotency-Key: a\tb"}}, 400, api.BadRequest},
		"key not ASCII":              {call{"POST", "/api/v1/events", good, []string{"Idempotency-Key: 열쇠"}}, 400, api.BadRequest},
		"unknown event":              {call{"GET", "/api/v1/events/999999", "", nil}, 404, "not_found"},
		"unknown event's progress":   {call{"GET", "/api/v1/events/999999/progress", "", nil}, 404, "not_found"},
		"unknown event's stream":     {call{"GET", "/api/v1/events/999999/progress", "", []string{"Accept: text/event-stream"}}, 404, "not_found"},
		"unknown event's imports":    {call{"GET", "/api/v1/events/999999/imports", "", nil}, 404, "not_found"},
		"unknown event's rejects":    {call{"GET", "/api/v1/events/999999/imports/1/rejected", "", nil}, 404, "not_found"},
		"unknown import":             {call{"GET", event + "/imports/999999/rejected", "", nil}, 404, "not_found"},
		"start of an unknown event":  {call{"POST", "/api/v1/events/999999/start", "", nil}, 404, "not_found"},
		"import into unknown event":  {call{"POST", "/api/v1/events/999999/targets", "member_id\nm\n", []string{csv}}, 404, "not_found"},
		"id of letters":              {call{"GET", "/api/v1/events/abc", "", nil}, 404, "not_found"},
		"id 2^63":                    {call{"GET", "/api/v1/events/9223372036854775808", "", nil}, 404, "not_found"},
		"id 0":                       {call{"GET", "/api/v1/events/0", "", nil}, 404, "not_found"},
		"id negative":                {call{"POST", "/api/v1/events/-1/start", "", nil}, 404, "not_found"},
		"id with a NUL":              {call{"GET", "/api/v1/events/1%00", "", nil}, 404, "not_found"},
		"id with SQL":                {call{"GET", "/api/v1/events/1%20OR%201=1", "", nil}, 404, "not_found"},
		"id of an import":            {call{"GET", event + "/imports/x/rejected", "", nil}, 404, "not_found"},
		"no route":                   {call{"GET", "/api/v1/nothing", "", nil}, 404, "not_found"},
		"no route at all":            {call{"GET", "/", "", nil}, 404, "not_found"},
		"PUT where there is none":    {call{"PUT", "/api/v1/events", good, nil}, 405, api.MethodNotAllowed},
		"DELETE where there is none": {call{"DELETE", event + "/start", "", nil}, 405, api.MethodNotAllowed},
		"limit 0":                    {call{"GET", "/api/v1/events?limit=0", "", nil}, 400, api.BadRequest},
		"limit 1001":                 {call{"GET", "/api/v1/events?limit=1001", "", nil}, 400, api.BadRequest},
		"limit negative":             {call{"GET", "/api/v1/events?limit=-1", "", nil}, 400, api.BadRequest},
		"limit 2^64":                 {call{"GET", "/api/v1/events?limit=18446744073709551616", "", nil}, 400, api.BadRequest},
		"limit of letters":           {call{"GET", "/api/v1/events?limit=ten", "", nil}, 400, api.BadRequest},
		"cursor of nobody":           {call{"GET", "/api/v1/events?cursor=abc", "", nil}, 400, api.BadRequest},
		"cursor of another list":     {call{"GET", "/api/v1/events?cursor=bTwx", "", nil}, 400, api.BadRequest},
		"cursor negative":            {call{"GET", "/api/v1/events?cursor=aWQ8LTE", "", nil}, 400, api.BadRequest},
		"an Accept of rubbish, 404":  {call{"GET", "/api/v1/events/9/progress", "", []string{"Accept: text/event-stream;;;,q="}}, 404, "not_found"},
		"cursor of 1 MB":             {call{"GET", "/api/v1/events?cursor=" + strings.Repeat("a", 9000), "", nil}, 400, api.BadRequest},
		"unknown parameter":          {call{"GET", "/api/v1/events?sort=id", "", nil}, 400, api.BadRequest},
		"unknown parameter of POST":  {call{"POST", "/api/v1/events?force=1", good, nil}, 400, api.BadRequest},
		"parameter twice":            {call{"GET", "/api/v1/events?limit=1&limit=2", "", nil}, 400, api.BadRequest},
		"query not well-formed":      {call{"GET", "/api/v1/events?limit=%zz", "", nil}, 400, api.BadRequest},
		"status of nobody":           {call{"GET", "/api/v1/events?event_status=run", "", nil}, 400, api.BadRequest},
		"type of nobody":             {call{"GET", "/api/v1/events?event_type=a%27b", "", nil}, 400, api.BadRequest},
		"campaign with NUL":          {call{"GET", "/api/v1/events?campaign_id=a%00", "", nil}, 400, api.BadRequest},
		"campaign not UTF-8":         {call{"GET", "/api/v1/events?campaign_id=%ff", "", nil}, 400, api.BadRequest},
		"policy of nobody":           {call{"POST", event + "/targets?on_reject=ignore", "member_id\nm\n", []string{csv}}, 400, api.BadRequest},
		"dry run without a value":    {call{"POST", event + "/targets?dry_run", "member_id\nm\n", []string{csv}}, 400, api.BadRequest},
		"dry run of nothing":         {call{"POST", event + "/targets?dry_run=", "member_id\nm\n", []string{csv}}, 400, api.BadRequest},
		"policy of nothing":          {call{"POST", event + "/targets?on_reject=", "member_id\nm\n", []string{csv}}, 400, api.BadRequest},
		"limit of nothing":           {call{"GET", "/api/v1/events?limit=", "", nil}, 400, api.BadRequest},
		"retry of a NUL":             {call{"POST", event + "/retry", `{"error_code": "a\u0000"}`, nil}, 422, "invalid"},
		"dry retry of a NUL":         {call{"POST", event + "/retry", `{"error_code": "a\u0000", "dry_run": true}`, nil}, 422, "invalid"},
		"dry retry of null":          {call{"POST", event + "/retry", `{"dry_run": null}`, nil}, 422, "invalid"},
		"dry run maybe":              {call{"POST", event + "/targets?dry_run=maybe", "member_id\nm\n", []string{csv}}, 400, api.BadRequest},
		"format of nobody":           {call{"GET", event + "/imports/1/rejected?format=xlsx", "", nil}, 400, api.BadRequest},
		"start without targets":      {call{"POST", event + "/start", "", nil}, 409, "no_targets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := d.in(t).do(c.call)
			p := a.Refused(c.status, c.code)
			require.NotEmpty(t, p.Hint, a.Text)
			if c.status == http.StatusMethodNotAllowed {
				require.NotEmpty(t, a.Header.Get("Allow"))
			}
			if c.code == api.BadRequest && name != "query not well-formed" {
				require.NotEmpty(t, p.Errors, a.Text)
			}
		})
	}
}

// What is odd and harmless is answered, and never with a 5xx.
func TestOddInput(t *testing.T) {
	t.Parallel()
	d := setup(t)
	const rubbish = "Accept: ;;;,q="
	for _, c := range []call{
		{"GET", "/api/v1/events", "", []string{rubbish}},
		{"GET", "/api/v1/events", "", []string{"Accept: application/xml"}},
		{"GET", "/api/v1/events?cursor=aWQ8MjE0NzQ4MzY0OA", "", nil},      // below 2^31
		{"GET", "/api/v1/parked?cursor=cGFya2VkPDIxNDc0ODM2NDg", "", nil}, // the same
	} {
		a := d.do(c)
		require.Equal(t, 200, a.StatusCode, "%v: %s", c, a.Text)
		require.Equal(t, "application/json", a.Header.Get("Content-Type"))
	}
	require.Equal(t, 201, d.Post("/api/v1/events", `{"campaign_id": "a", "event_type": "POINT"}`, rubbish).StatusCode)
}
