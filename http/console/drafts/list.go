package drafts

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"bestow/app/command"
	"bestow/app/imports"
	"bestow/domain"
	"bestow/http/api"
	"bestow/http/console/page"
	"bestow/http/console/words"
	"bestow/http/web"
	"bestow/http/web/rejects"

	"golang.org/x/text/unicode/norm"
)

// listView is what the page of a campaign's lists shows.
type listView struct {
	draftView

	Refused *imports.RejectedError // the list that was just refused for its rows
}

// listPage answers with the lists of a campaign, and what they hold.
func (h *Handlers) listPage(w http.ResponseWriter, r *http.Request) error {
	v, err := h.read(r, 2)
	if err != nil {
		return err
	}
	return page.Show(w, r, http.StatusOK, listPage(listView{draftView: v}))
}

// refuse answers a form of the page of lists with the page, and what was wrong above it.
func (h *Handlers) refuseList(w http.ResponseWriter, r *http.Request, refusal error) error {
	wrong, status, err := h.Mistake(r, refusal)
	if err != nil {
		return err
	}
	v, err := h.read(r, 2)
	if err != nil {
		return err
	}
	v.Path, v.Wrong = v.path("list"), wrong
	refused, _ := errors.AsType[*imports.RejectedError](refusal)
	return page.Show(w, r, status, listPage(listView{v, refused}))
}

// maxField bounds the bytes of a field of the form that stands before the file.
const maxField = 1 << 10

// uploadField is the field of the form of a list that names what has come in pieces, in place of a file.
const uploadField = "upload"

// upload takes a list from a form while it comes, or one that has come in pieces, by the same use case as the API.
func (h *Handlers) upload(w http.ResponseWriter, r *http.Request) error {
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	body := web.NewUpload(r.Body, http.NewResponseController(w).SetReadDeadline)
	defer body.EndWhen(web.Stopping(r.Context()))()
	ctx, done := body.Context(r.Context())
	defer done()
	r.Body = io.NopCloser(body)
	file, err := openForm(r)
	if err != nil {
		return h.refuseList(w, r, err)
	}
	by, u := page.Caller(r), imports.Upload{Sheet: r.PostForm.Get("sheet"), Ending: web.Stopping(r.Context())}
	if file == nil {
		pieces, _ := domain.ParseID(r.PostForm.Get(uploadField)) // there is no upload 0
		u.Stored = h.App.Uploads.Stored(by.Actor, pieces)
	} else {
		u.Body, u.ContentType, u.FileName = partReader{file}, typeOf(file), nameOf(file)
		u.Interrupt = body.Interrupt
	}
	if _, err = h.App.Targets.Import(ctx, by, id, u); err != nil {
		if file == nil {
			err = h.refusedPieces(r, by, err)
		}
		return h.refuseList(w, r, err)
	}
	return page.GoTo(w, r, page.CampaignPath(id)+"/list?done=imported")
}

// refusedPieces returns the refusal of a list that has come in pieces. What cannot be imported as it is would only take
// the place of the corrected file, so it is deleted.
func (h *Handlers) refusedPieces(r *http.Request, by command.Caller, refusal error) error {
	switch p := h.API.Problem(r.Context(), refusal); {
	case domain.IsCode(refusal, domain.NotFound):
		return domain.InvalidError("the upload is not there any more", "",
			domain.Field{Name: "file", Message: "choose the file again"})
	case p.Status != http.StatusUnprocessableEntity && p.Status != http.StatusUnsupportedMediaType:
		return refusal
	}
	upload, _ := domain.ParseID(r.PostForm.Get(uploadField))
	if err := h.App.Uploads.Delete(r.Context(), by, false, upload); err != nil && !domain.IsCode(err, domain.NotFound) {
		return err
	}
	return refusal
}

// openForm reads the fields of a form up to its file, which is read by the caller; nil: the form names one that has
// come in pieces.
func openForm(r *http.Request) (*multipart.Part, error) {
	broken := func(err error) error {
		if _, ours := errors.AsType[*web.UploadError](err); ours {
			return err
		}
		return api.MalformedError("the form is not whole", "open the page again")
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, broken(err)
	}
	r.PostForm = url.Values{}
	const fields = 10
	for range fields {
		part, err := form.NextPart()
		switch {
		case errors.Is(err, io.EOF) && r.PostForm.Has(uploadField):
			return nil, nil //nolint:nilnil // it is said above
		case errors.Is(err, io.EOF):
			return nil, domain.InvalidError("the form has no file", "", domain.Field{Name: "file", Message: "choose a file"})
		case err != nil:
			return nil, broken(err)
		case part.FormName() == "file" && part.FileName() == "":
			return nil, domain.InvalidError("the form has no file", "", domain.Field{Name: "file", Message: "choose a file"})
		case part.FormName() == "file":
			return part, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, maxField))
		if err != nil {
			return nil, broken(err)
		}
		r.PostForm.Set(part.FormName(), string(value))
	}
	return nil, broken(nil)
}

// partReader reads the file of a form. What goes wrong is the sender's.
type partReader struct{ part io.Reader }

func (p partReader) Read(b []byte) (int, error) {
	n, err := p.part.Read(b)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	if _, ours := errors.AsType[*web.UploadError](err); !ours {
		err = api.MalformedError("the upload ended early", "nothing of it was kept: send it again")
	}
	return n, err
}

// typeOf returns the content type of a file by its name, or else what its first bytes show: what a browser says depends
// on the programs of the machine.
func typeOf(part *multipart.Part) string {
	switch strings.ToLower(filepath.Ext(part.FileName())) {
	case ".ndjson", ".jsonl":
		return "application/x-ndjson"
	}
	return imports.Guessed
}

// nameOf returns the name of a file, as far as it can be kept.
func nameOf(part *multipart.Part) string {
	name := norm.NFC.String(strings.TrimSpace(part.FileName()))
	if domain.CheckText(name, imports.MaxFileName) != "" {
		return ""
	}
	return name
}

// importID returns the import's id in the path. Error: domain.NotFound.
func importID(r *http.Request) (int64, error) {
	id, ok := domain.ParseID(r.PathValue("import"))
	if !ok {
		return 0, domain.NotFoundError(fmt.Sprintf("there is no import %q", r.PathValue("import")), "")
	}
	return id, nil
}

// takeBack takes a list back from a campaign that has not started.
func (h *Handlers) takeBack(w http.ResponseWriter, r *http.Request) error {
	if err := page.ReadForm(w, r); err != nil {
		return err
	}
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	list, err := importID(r)
	if err != nil {
		return err
	}
	if err := h.App.Targets.TakeBack(r.Context(), page.Caller(r), id, list); err != nil {
		return h.refuseList(w, r, err)
	}
	return page.GoTo(w, r, page.CampaignPath(id)+"/list?done=taken_back")
}

// rejected hands out the rejected rows of a list as a file: with reasons, or as they came.
func (h *Handlers) rejected(w http.ResponseWriter, r *http.Request) error {
	id, err := page.CampaignID(r)
	if err != nil {
		return err
	}
	list, err := importID(r)
	if err != nil {
		return err
	}
	record, err := h.App.Targets.Find(r.Context(), id, list)
	if err != nil {
		return err
	}
	file := rejects.FileOf(record, r.URL.Query().Get("format") == "original")
	w.Header().Set("Content-Type", file.ContentType)
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": file.Name}))
	w.WriteHeader(http.StatusOK)
	err = file.Write(web.Steady(w), func(each func(imports.RejectedRow) error) error {
		_, err := h.App.Targets.Rejected(r.Context(), id, list, each)
		return err
	})
	if err != nil {
		_ = h.API.Problem(r.Context(), err) // logs it if it is our fault
		web.Cut(w)
	}
	return nil
}

// blankForm hands out an empty list with its header.
func (h *Handlers) blankForm(w http.ResponseWriter, r *http.Request) error {
	header := "member_id,amount,reason\r\n"
	if h.Blank(r).Language == words.Korean {
		header = "회원번호,금액,사유\r\n"
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="members.csv"`)
	_, _ = io.WriteString(w, web.BOM+header) // the client is gone
	return nil
}
