package words

import (
	"fmt"
	"regexp"
)

// refusalTexts say what is wrong, why something waits, and what to do, by the codes of the API.
var refusalTexts = texts{
	Korean: { //nolint:gosec // G101: words about secrets
		"problem":                    "문제",
		"problem.role":               "지금 권한: %s",
		"problem.not_found":          "찾을 수 없습니다",
		"cure.not_found":             "주소를 확인하거나 캠페인 목록에서 찾아 주세요.",
		"problem.forbidden":          "이 일을 할 권한이 없습니다",
		"cure.forbidden":             "관리자에게 권한을 요청하세요.",
		"problem.cross_site":         "다른 사이트에서 온 요청이라 거절했습니다",
		"cure.cross_site":            "이 콘솔의 페이지에서 다시 해 주세요.",
		"problem.too_many_requests":  "요청이 너무 많습니다",
		"cure.too_many_requests":     "잠시 뒤 다시 해 주세요. 중지는 언제나 됩니다.",
		"problem.too_many_attempts":  "시도가 너무 많습니다",
		"cure.too_many_attempts":     "잠시 뒤 다시 해 주세요.",
		"problem.unavailable":        "지금은 답할 수 없습니다",
		"cure.unavailable":           "진행 중인 캠페인은 기다렸다가 스스로 이어집니다. 잠시 뒤 다시 해 주세요.",
		"problem.internal":           "여기에서 문제가 생겼습니다",
		"cure.internal":              "아래 번호를 담당 엔지니어에게 알려 주세요.",
		"problem.invalid":            "입력한 값을 쓸 수 없습니다",
		"cure.invalid":               "아래 내용을 고쳐 다시 해 주세요.",
		"problem.bad_request":        "요청을 읽을 수 없습니다",
		"cure.bad_request":           "페이지를 다시 열어 주세요.",
		"problem.malformed":          "요청을 읽을 수 없습니다",
		"cure.malformed":             "페이지를 다시 열어 주세요.",
		"problem.wrong_status":       "지금 상태에서는 할 수 없습니다",
		"cure.wrong_status":          "그 사이 상태가 바뀌었습니다. 페이지는 지금 상태를 보여 줍니다.",
		"problem.sign_in_refused":    "이름, 비밀번호, 코드 가운데 맞지 않는 것이 있습니다",
		"cure.sign_in_refused":       "코드는 30초마다 바뀌고 한 번만 쓸 수 있습니다.",
		"problem.passwords_off":      "회사 계정으로만 로그인합니다",
		"cure.passwords_off":         "회사 계정으로 로그인을 눌러 주세요.",
		"problem.brake_engaged":      "전체 중지가 걸려 있습니다",
		"cure.brake_engaged":         "승인자가 먼저 중지를 해제해야 합니다.",
		"problem.lane_busy":          "같은 시각에 예약된 다른 캠페인이 지급 중입니다",
		"cure.lane_busy":             "그 캠페인이 끝나면 시작할 수 있습니다.",
		"problem.no_targets":         "명단이 없습니다",
		"cure.no_targets":            "명단을 먼저 올려 주세요.",
		"problem.import_running":     "명단을 올리는 중입니다",
		"cure.import_running":        "끝난 뒤 다시 해 주세요.",
		"problem.method_not_allowed": "이 주소로는 할 수 없는 일입니다",
		"cure.method_not_allowed":    "페이지를 다시 열어 주세요.",
		"reason.relay":               "전송하는 프로세스(relay)가 없습니다",
		"reason.handler":             "지급하는 프로세스(handler)가 없습니다",
		"reason.jobs":                "작업하는 프로세스(jobs)가 없습니다",
		"reason.relay_queue_paused":  "전송 대기열이 멈춰 있습니다",
		"reason.jobs_queue_paused":   "작업 대기열이 멈춰 있습니다",
		"reason.kafka_away":          "Kafka가 답하지 않습니다",
		"reason.kafka_refuses":       "Kafka가 메시지를 거절합니다",
		"reason.ledger_away":         "원장이 답하지 않습니다",
		"reason.granter_unknown":     "이 유형의 원장을 쓰는 프로세스가 없습니다",
		"reason.database_read_only":  "데이터베이스에 쓸 수 없습니다",
		"reason.type_unmade":         "유형의 테이블이나 토픽을 만들지 못했습니다",
		"reason.not_known":           "프로세스가 확인하지 못했습니다",
		"reason.stalled":             "20초 동안 움직이지 않았습니다",
		"reason.clock_off":           "프로세스의 시계가 맞지 않습니다",
		"reason.settings_differ":     "프로세스마다 설정이 다릅니다",
		"reason.reserved":            "예약한 시각을 기다립니다",
		"reason.by_hand":             "사람이 시작해야 합니다",
		"reason.retry":               "거절된 회원의 재시도 시각을 기다립니다",
		"reason.lane_busy":           "같은 시각의 앞 캠페인을 기다립니다",
		"reason.no_targets":          "명단이 없습니다",
		"reason.import_running":      "명단을 올리는 중입니다",
		"reason.missing_keys":        "상품권 PIN을 지킬 키가 없습니다",
		"reason.missed":              "예약한 시각이 명단 없이 지났습니다",
		"reason.expired":             "만료일이 지났습니다",
		"reason.terms_refused":       "원장이 이 조건을 받지 않습니다",
		"reason.brake_engaged":       "전체 중지가 걸려 있습니다",
		"reason.over_limit":          "유형의 한도를 넘습니다",
		"reason.limits_missing":      "유형의 한도가 정해지지 않았습니다",
		"reason.content_changed":     "명단이나 조건이 시작할 때와 다릅니다",
	},
	English: { //nolint:gosec // G101: words about secrets
		"problem":                    "Problem",
		"problem.role":               "Your role: %s",
		"problem.not_found":          "There is no such page",
		"cure.not_found":             "Check the address, or look in the list of campaigns.",
		"problem.forbidden":          "Your role may not do this",
		"cure.forbidden":             "Ask an admin for a role that may.",
		"problem.cross_site":         "The request came from another site, so it was refused",
		"cure.cross_site":            "Do it on a page of this console.",
		"problem.too_many_requests":  "Too many requests",
		"cure.too_many_requests":     "Try again in a moment. A stop always works.",
		"problem.too_many_attempts":  "Too many attempts",
		"cure.too_many_attempts":     "Try again in a while.",
		"problem.unavailable":        "It cannot be answered now",
		"cure.unavailable":           "Running campaigns wait and go on by themselves. Try again in a moment.",
		"problem.internal":           "Something went wrong here",
		"cure.internal":              "Tell an engineer the number below: the log says more.",
		"problem.invalid":            "A value cannot be used",
		"cure.invalid":               "Change what is named below, and send it again.",
		"problem.bad_request":        "The request cannot be read",
		"cure.bad_request":           "Open the page again.",
		"problem.malformed":          "The request cannot be read",
		"cure.malformed":             "Open the page again.",
		"problem.wrong_status":       "Its status does not allow this now",
		"cure.wrong_status":          "The status has changed meanwhile. The page shows what is so now.",
		"problem.sign_in_refused":    "The name, the password or the code is wrong",
		"cure.sign_in_refused":       "A code changes every 30 seconds and works once.",
		"problem.passwords_off":      "People sign in with the company account here",
		"cure.passwords_off":         "Use the button for it.",
		"problem.brake_engaged":      "All granting is stopped",
		"cure.brake_engaged":         "An approver must release the brake first.",
		"problem.lane_busy":          "Another campaign that is reserved for the same second is running",
		"cure.lane_busy":             "It can start when that one is done.",
		"problem.no_targets":         "It has no list",
		"cure.no_targets":            "Import a list first.",
		"problem.import_running":     "A list is being imported",
		"cure.import_running":        "Try again when that is done.",
		"problem.method_not_allowed": "The address does not take this",
		"cure.method_not_allowed":    "Open the page again.",
		"reason.relay":               "No process with the role relay runs",
		"reason.handler":             "No process with the role handler runs",
		"reason.jobs":                "No process with the role jobs runs",
		"reason.relay_queue_paused":  "The queue of relay jobs is paused",
		"reason.jobs_queue_paused":   "The queue of jobs is paused",
		"reason.kafka_away":          "Kafka does not answer",
		"reason.kafka_refuses":       "Kafka refuses messages",
		"reason.ledger_away":         "The ledger does not answer",
		"reason.granter_unknown":     "No process that runs has the ledger of this type",
		"reason.database_read_only":  "The database takes no writes",
		"reason.type_unmade":         "The tables or topics of a type cannot be made",
		"reason.not_known":           "A process could not look",
		"reason.stalled":             "It has not moved for 20 seconds",
		"reason.clock_off":           "The clock of a process is wrong",
		"reason.settings_differ":     "Processes have different settings",
		"reason.reserved":            "It waits for its reserved time",
		"reason.by_hand":             "A person has to start it",
		"reason.retry":               "It waits for the time of its retries",
		"reason.lane_busy":           "It waits for the campaign before it in its second",
		"reason.no_targets":          "It has no list",
		"reason.import_running":      "A list is being imported",
		"reason.missing_keys":        "There is no key to keep PINs with",
		"reason.missed":              "Its reserved time passed before it had a list",
		"reason.expired":             "Its expiry has passed",
		"reason.terms_refused":       "The ledger does not take its terms",
		"reason.brake_engaged":       "A brake holds it",
		"reason.over_limit":          "It passes a limit of its type",
		"reason.limits_missing":      "Its type has no limits yet",
		"reason.content_changed":     "Its list or terms differ from what was started",
	},
}

// koreanFault is what the API says is wrong with a field, and how it is said in Korean. What the expression captures
// stands in the Korean sentence.
type koreanFault struct {
	said   *regexp.Regexp
	korean string
}

var koreanFaults = []koreanFault{
	{regexp.MustCompile(`^is missing( or blank)?$`), "값이 비어 있습니다."},
	{regexp.MustCompile(`^is over (?P<n>\d+) characters$`), "%s자를 넘습니다."},
	{regexp.MustCompile(`^is longer than (?P<n>\d+) bytes$`), "%s바이트를 넘습니다."},
	{regexp.MustCompile(`^begins or ends with a blank$`), "앞이나 뒤에 빈칸이 있습니다."},
	{regexp.MustCompile(`^is not valid text$`), "깨진 글자가 있습니다."},
	{regexp.MustCompile(`^has U\+[0-9A-F]+ as character (?P<n>\d+), `), "%s번째 글자는 쓸 수 없습니다."},
	{regexp.MustCompile(`^must be viewer, operator, approver or admin$`), "권한을 선택하세요."},
	{regexp.MustCompile(`^belongs to BESTOW_ADMIN_KEY$`), "BESTOW_ADMIN_KEY의 이름이라 쓸 수 없습니다."},
	{regexp.MustCompile(`^must not have a colon$`), "콜론(:)은 쓸 수 없습니다."},
	{regexp.MustCompile(`^must be in the future$`), "지금보다 뒤여야 합니다."},
	{regexp.MustCompile(`^must be within five years$`), "5년 안이어야 합니다."},
	{regexp.MustCompile(`^must be a day such as (?P<day>[0-9-]+)$`), "%s처럼 날짜를 입력하세요."},
	{regexp.MustCompile(`^must be given or none$`), "허용과 차단 중에서 선택하세요."},
	{regexp.MustCompile(`^type the number (?P<n>\d+)$`), "화면의 숫자를 그대로 입력하세요: %s"},
	{regexp.MustCompile(`^type the name (?P<name>.+)$`), "화면의 이름을 그대로 입력하세요: %s"},
	{regexp.MustCompile(`^choose a file$`), "파일을 선택하세요."},
	{regexp.MustCompile(`^choose the file again$`), "올린 파일이 이제 없습니다. 파일을 다시 선택하세요."},
	{regexp.MustCompile(`^must be a capital letter and up to 19 `), "대문자로 시작해 대문자, 숫자, _만 20자까지 입력하세요."},
	{regexp.MustCompile(`^must be points or vouchers$`), "포인트와 상품권 중에서 선택하세요."},
	{regexp.MustCompile(`^must be a whole number of at most (?P<n>\d+)$`), "%s 이하의 정수를 입력하세요."},
	{regexp.MustCompile(`^must be 1 or more(, or null for none)?$`), "1 이상이어야 합니다."},
	{regexp.MustCompile(`^must be 1 to 10 capital letters, `), "P나 KRW처럼 대문자 10자까지 입력하세요."},
	{regexp.MustCompile(`^must be a name of BESTOW_GRANTERS, `), "BESTOW_GRANTERS에 있는 이름이나 money를 입력하세요."},
	{regexp.MustCompile(`^must be READY or RETIRED$`), "사용 중과 사용 중단 중에서 선택하세요."},
}

// Fault returns what is wrong with a field, as the API says it, in the reader's language. What is not known in Korean
// stays as it was said, and in is then English.
func (w Words) Fault(said string) (text string, in Language) {
	if w.Language != Korean {
		return said, English
	}
	for _, f := range koreanFaults {
		found := f.said.FindStringSubmatch(said)
		if found == nil {
			continue
		}
		if names := f.said.SubexpNames(); names[len(names)-1] != "" {
			return fmt.Sprintf(f.korean, found[len(found)-1]), Korean
		}
		return f.korean, Korean
	}
	return said, English
}
