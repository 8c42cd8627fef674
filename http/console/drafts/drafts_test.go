package drafts_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"bestow/domain"
	"bestow/internal/consoletest"
	"bestow/internal/desktest"
	"bestow/internal/pgtest"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// upload sends a file by the form of a page.
func upload(b *consoletest.Browser, path, once, name, file string) consoletest.Page {
	b.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	require.NoError(b, form.WriteField("once", once))
	part, err := form.CreateFormFile("file", name)
	require.NoError(b, err)
	_, err = part.Write([]byte(file))
	require.NoError(b, err)
	require.NoError(b, form.Close())
	b.Headers["Content-Type"] = form.FormDataContentType()
	defer delete(b.Headers, "Content-Type")
	return b.Send(http.MethodPost, path, body.String())
}

// fields are those of a campaign that can be made.
func fields(more ...string) []string {
	return append([]string{
		"name", "봄맞이 리뷰", "campaign_id", "spring-review", "event_type", "POINT", "default_amount", "1,000",
		"default_reason", "spring", "expiry_at", "2999-12-31", "start", "hand", "zone", "KST",
	}, more...)
}

// A person makes a campaign in three steps: its details, its list, and the start, each sent twice and done once.
func TestACampaignInThreeSteps(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	b := d.SignedIn(domain.Operator)
	require.Contains(t, b.Get("/console/campaigns").Text, `href="/console/campaigns/new"`)
	once := b.Field(b.Get("/console/campaigns/new"), "/console/campaigns/new", "once")
	for range 2 {
		b.Led(b.Post("/console/campaigns/new", fields("once", once)...), "/console/campaigns/1/list?done=drafted")
	}
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM campaign_events WHERE name = '봄맞이 리뷰' AND default_amount = 1000
		AND expiry_at = '2999-12-31 23:59+09' AND created_by = 'a-operator'`))

	list := "/console/campaigns/1/list"
	p := b.Get(list + "?done=drafted")
	require.Contains(t, p.Text, "Saved as a draft")
	once = b.Field(p, list, "once")
	file := "member_id,amount\nm1,\nm2,3000\nm3,3000\nm1,5\nm4,<b>\n"
	for range 2 {
		b.Led(upload(b, list, once, "명단.csv", file), list+"?done=imported")
	}
	p = b.Get(list)
	for _, want := range []string{
		"명단.csv", "accepted 3 · rejected 2", "2 rejected rows", "The same member twice", "The amount is no whole number",
		"m4,&lt;b&gt;", "2 different amounts", "6,000", "7,000", "Go on with 3 members",
	} {
		require.Contains(t, p.Text, want)
	}
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM imports`))
	b.Led(upload(b, list, "another", "more.csv", "member_id,amount\nm9,1\n"), list+"?done=imported")
	require.Contains(t, b.Get(list).Text, "3 different amounts")
	back := list + "/2/take-back"
	once = b.Field(b.Get(list), back, "once")
	for range 2 {
		b.Led(b.Post(back, "once", once), list+"?done=taken_back")
	}

	download := b.Get(list + "/1/rejected")
	require.Equal(t, "\ufeffline,error_code,reason,raw\n", strings.SplitAfter(download.Text, "\n")[0])
	require.Equal(t, "\ufeffmember_id,amount\nm1,5\nm4,<b>\n", b.Get(list+"/1/rejected?format=original").Text)
	require.Contains(t, b.Get("/console/campaigns/form.csv").Text, "member_id,amount,reason")

	b.Led(readChecks(b, list), "/console/campaigns/1/review")
	p = b.Get("/console/campaigns/1/review")
	for _, want := range []string{"To 3 members in all", "7,000", "seven thousand", "2999-12-31 23:59:00", "spring"} {
		require.Contains(t, p.Text, want)
	}
	start := "/console/campaigns/1/start"
	once = b.Field(p, start, "once")
	require.Equal(t, 422, b.Post(start, "once", once, "typed", "7001").StatusCode)
	for range 2 {
		b.Led(b.Post(start, "once", b.Field(p, start, "once"), "typed", "7,000"), "/console/campaigns/1?done=started")
	}
	b.Led(b.Get("/console/campaigns/1/review"), "/console/campaigns/1")
	b.Led(b.Get("/console/campaigns/1/edit"), "/console/campaigns/1")
	require.Equal(t, 409, upload(b, list, "late", "late.csv", file).StatusCode)
	require.Contains(t, b.Get(list).Text, "명단.csv")
	require.NotContains(t, b.Get(list).Text, `type="file"`)
}

// What cannot be is said beside its field, and what was typed stays.
func TestWhatIsWrongStandsBesideItsField(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	d.PointEvent("taken")
	b := d.SignedIn(domain.Operator)
	p := b.Post("/console/campaigns/new", "name", "<i>", "campaign_id", "a\u202eb", "event_type", "NONE",
		"default_amount", "1천", "expiry_at", "2027-02-30 10:00", "start", "reserved", "reservation_at", "",
		"partition_count", "99", "reservation_priority", "x")
	require.Equal(t, 422, p.StatusCode)
	for _, field := range []string{
		"campaign_id", "default_amount", "expiry_at", "reservation_at", "partition_count", "reservation_priority",
	} {
		require.Contains(t, p.Text, `id="e-`+field+`"`)
		require.Contains(t, p.Text, `aria-describedby="e-`+field+`"`)
	}
	require.Contains(t, p.Text, `value="&lt;i&gt;"`)
	require.Contains(t, p.Text, `value="1천"`)
	require.Contains(t, p.Text, `value="2027-02-30 10:00"`)
	p = b.Post("/console/campaigns/new", "campaign_id", "taken", "event_type", "POINT")
	require.Equal(t, 409, p.StatusCode)
	require.Contains(t, p.Text, `Campaign #1 has this ID already`)
	require.Zero(t, d.Count(`SELECT count(*) FROM campaign_events WHERE id > 1`))
	for _, rubbish := range [][]string{ // the field, what stands in it, and what else it takes
		{"default_amount", strings.Repeat("9", 30)},
		{"default_amount", "-1"},
		{"default_amount", "0"},
		{"reservation_priority", "99999999999"},
		{"name", "\xff"},
		{"name", strings.Repeat("x", 60000)},
		{"campaign_id", ""},
		{"campaign_id", strings.Repeat("x", 51)},
		{"event_type", "NONE"},
		{"event_type", "\x00"},
		{"default_reason", "a\nb"},
		{"expiry_at", "10000-01-01"},
		{"expiry_at", "2000-01-01"},
		{"partition_count", "-1"},
		{"partition_count", "65"},
		{"reservation_at", "0000-00-00 00:00", "start", "reserved"},
	} {
		p := b.Post("/console/campaigns/new", fields(rubbish...)...)
		require.Equal(t, 422, p.StatusCode, rubbish)
		require.Contains(t, p.Text, `id="e-`+rubbish[0]+`"`, rubbish)
		require.Equal(t, 1, strings.Count(p.Text, `aria-invalid="true"`)+strings.Count(p.Text, `id="e-event_type"`), rubbish)
	}
	require.Equal(t, 303, b.Post("/console/campaigns/new", fields()...).StatusCode, "the others can be made")
}

// A change of what another person has changed meanwhile shows both, and is made when it is sent again.
func TestTwoPeopleEdit(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.Created(`{"campaign_id": "spring", "event_type": "POINT", "expiry_at": "2999-01-01T00:00:30.5Z"}`)
	b := d.SignedIn(domain.Operator)
	path := fmt.Sprintf("/console/campaigns/%d/edit", e.ID)
	p := b.Get(path)
	version := b.Field(p, path, "version")
	require.Contains(t, p.Text, `value="2999-01-01 09:00:30"`)
	typed := func(version, name string) []string {
		return []string{
			"campaign_id", "spring", "event_type", "POINT", "expiry_at", "2999-01-01 09:00:30", "start", "hand", "zone", "KST",
			"name", name, "partition_count", "4", "version", strings.ReplaceAll(version, "&#34;", `"`),
		}
	}
	require.Equal(t, 200, d.Patch(e.ID, `{"name": "theirs"}`).StatusCode)
	p = b.Post(path, typed(version, "mine")...)
	require.Equal(t, 412, p.StatusCode, p.Text)
	require.Contains(t, p.Text, "Stored now: theirs")
	require.Contains(t, p.Text, `value="mine"`)
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM campaign_events WHERE name = 'theirs'`))
	b.Led(b.Post(path, typed(b.Field(p, path, "version"), "mine")...), fmt.Sprintf("/console/campaigns/%d/list?done=edited", e.ID))
	require.Equal(t, 1, d.Count(`SELECT count(*) FROM campaign_events
		WHERE name = 'mine' AND expiry_at = '2999-01-01T00:00:30.5Z'`), "what was not touched stays to the microsecond")
	require.Equal(t, 412, b.Post(path, typed("", "blind")...).StatusCode, "a form without its version changes nothing")
}

// A file that is no list is refused with what is wrong, and nothing of it is kept.
func TestFilesThatAreNoLists(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	b := d.SignedIn(domain.Operator)
	list := fmt.Sprintf("/console/campaigns/%d/list", e.ID)
	for name, c := range map[string]struct {
		file   string
		status int
		want   string
	}{
		"xls":           {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", 415, "Old .xls files are not read"},
		"no header":     {"a,b\n1,2\n", 422, "unknown column"},
		"empty":         {"", 422, "cannot be read as a list"},
		"all bad":       {"member_id,amount\nm1,x\n", 422, "No row of the file could be accepted"},
		"a broken xlsx": {"PK\x03\x04rubbish", 415, "cannot be read"},
	} {
		p := upload(b, list, "once-"+name, name+".csv", c.file)
		require.Equal(t, c.status, p.StatusCode, "%s: %s", name, p.Text)
		require.Contains(t, p.Text, c.want, name)
	}
	require.Contains(t, upload(b, list, "r", "all.csv", "member_id,amount\nm1,x\n").Text, "m1,x", "the rows are shown")
	require.Equal(t, 422, upload(b, list, "once", "", "member_id\nm1\n").StatusCode, "no file was chosen")
	b.Headers["Content-Type"] = "multipart/form-data; boundary=x"
	for _, body := range []string{"", "rubbish", "--x\r\n", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nmember_id"} {
		require.Less(t, b.Send(http.MethodPost, list, body).StatusCode, 500)
	}
	delete(b.Headers, "Content-Type")
	require.Equal(t, 400, b.Post(list, "file", "x").StatusCode, "a form that is no upload")
	require.Zero(t, d.Count(`SELECT count(*) FROM imports`))
	for _, path := range []string{
		"/console/campaigns/99/list", "/console/campaigns/x/edit", "/console/campaigns/99/review", list + "/9/rejected", list + "/x/rejected",
	} {
		require.Equal(t, 404, b.Get(path).StatusCode, path)
	}
	require.Equal(t, 404, b.Post(list+"/9/take-back").StatusCode)
}

// Of many lists all count, and each can be taken back, also where an older version imported it.
func TestManyLists(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	for n := range 23 {
		file := fmt.Sprintf("member_id,amount\nm%d,%d\nx%d,zero\n", n, 1000+n, n)
		if n == 0 {
			file = "member_id,amount\nm0,1000000000\nx0,zero\n"
		}
		d.Post(desktest.EventURL(e.ID)+"/targets?file_name=list-"+fmt.Sprint(n)+".csv", file, "Content-Type: text/csv")
	}
	b := d.SignedIn(domain.Operator)
	list, review := "/console/campaigns/1/list", "/console/campaigns/1/review"
	b.Led(readChecks(b, list), review)
	p := b.Get(review)
	require.Contains(t, p.Text, "1,001 – 1,000,000,000", "the oldest list counts")
	require.Contains(t, p.Text, `href="/console/campaigns/1/list">23<`, "so do its rejected rows")
	require.Contains(t, p.Text, `">3 older lists<`)
	p = b.Get(list)
	require.Contains(t, p.Text, "23 rejected rows")
	require.Regexp(t, `(?s)The amount is no whole number.{0,100}bad_amount.{0,100}>23<`, p.Text)
	require.Equal(t, 20, strings.Count(p.Text, `class="upfile"`))
	require.NotContains(t, p.Text, list+"/1/take-back")
	older := regexp.MustCompile(`href="([^"]*older=[^"]*)">3 older lists<`).FindStringSubmatch(p.Text)
	require.NotNil(t, older)
	p = b.Get(older[1])
	require.Equal(t, 3, strings.Count(p.Text, `class="upfile"`))
	require.NotContains(t, p.Text, "older list")
	require.Contains(t, p.Text, "list-0.csv")
	require.Contains(t, p.Text, "23 rejected rows")
	back := list + "/1/take-back"
	b.Led(b.Post(back, "once", b.Field(p, back, "once")), list+"?done=taken_back")
	require.Contains(t, b.Get(review).Text, "1,001 – 1,022", "without that list nothing is unusual")

	d.SQL(`DELETE FROM event_facts WHERE import_id = 2`)
	p = b.Get(list)
	require.Regexp(t, `(?s)bad_amount.{0,100}>21<.*Not counted by reason.{0,100}>1<`, p.Text)
	require.Contains(t, p.Text, "22 rejected rows")
	require.Contains(t, p.Text, "its amounts were not computed")
	for _, rubbish := range []string{"x", "0", "-1", "%00", "99999999999999999999"} {
		require.Equal(t, 400, b.Get(list+"?older="+rubbish).StatusCode, rubbish)
	}
	require.Contains(t, b.Get(list+"?older=1").Text, `href="`+list+`">First`)
}

// A viewer sees the steps with locked buttons, and no rows of members.
func TestAViewerChangesNothing(t *testing.T) {
	t.Parallel()
	d := consoletest.New(t)
	e := d.PointEvent("spring")
	o := d.SignedIn(domain.Operator)
	list := fmt.Sprintf("/console/campaigns/%d/list", e.ID)
	o.Led(upload(o, list, "once", "a.csv", "member_id,amount\nm1,7\nsecret,x\n"), list+"?done=imported")
	require.Contains(t, o.Get(list).Text, "secret,x")
	v := d.SignedIn(domain.Viewer)
	p := v.Get(list)
	require.Contains(t, p.Text, "The amount is no whole number")
	require.NotContains(t, p.Text, "secret")
	require.Contains(t, p.Text, `aria-disabled="true"`)
	require.Contains(t, v.Get("/console/campaigns/new").Text, `aria-disabled="true"`)
	for _, path := range []string{"/console/campaigns/new", list, list + "/1/take-back", fmt.Sprintf("/console/campaigns/%d/edit", e.ID)} {
		require.Equal(t, 403, v.Post(path, "campaign_id", "x").StatusCode, path)
	}
	require.Equal(t, 403, v.Get(list+"/1/rejected").StatusCode)
	d.SQL(`DELETE FROM event_facts`)
	require.Contains(t, o.Get(list).Text, "its amounts were not computed")
	require.Equal(t, 200, o.Get(fmt.Sprintf("/console/campaigns/%d/review", e.ID)).StatusCode)
}
