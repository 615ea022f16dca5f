package api

import (
	"net/http"
	"reflect"
)

// Operation describes one route, for the API's published description. Who may use it
// is access.Routes' to say.
type Operation struct {
	Method, Path string // as gin writes it
	Summary      string
	Query        []Parameter
	// Body is the type of the JSON object that is sent; nil: none.
	Body reflect.Type
	// Status is that of success, Answer the type of its JSON; where it is none, Media
	// is what it is instead, and empty that there is nothing.
	Status int
	Answer reflect.Type
	Media  string
	// Errors are the statuses of refusals beside 401 and 403.
	Errors []int
}

// Parameter is one of the query. Pattern, if set, is what its values are like.
type Parameter struct {
	Name, Type, Says string // Type is string, integer or boolean
	Format           string
	Enum             []string
	Minimum, Maximum int64
}

// Operations are those of the API, in the order of Register. The webhook describes
// itself.
func Operations() []Operation {
	const text, html = "text/plain; version=0.0.4", "text/html"
	var (
		limit   = Parameter{Name: "limit", Type: "integer", Says: "How many at most.", Minimum: 1, Maximum: MaxLimit}
		since   = Parameter{Name: "since", Type: "string", Format: "date-time", Says: "Leave out what opened before."}
		open    = Parameter{Name: "open", Type: "string", Enum: []string{"true", "false"}, Says: "true leaves out what has ended."}
		by      = func(name, says string) Parameter { return Parameter{Name: name, Type: "string", Says: says} }
		target  = []Parameter{by("playbook", "By its whole name."), by("target", "As cluster/member."), by("cluster", "By its whole name.")}
		runs    = append(append([]Parameter{by("episode", "By its id."), by("outcome", "noop, repaired, observed, blocked, failed or unknown.")}, target...), open, since, limit)
		asked   = []int{http.StatusBadRequest}
		found   = []int{http.StatusBadRequest, http.StatusNotFound}
		written = []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusServiceUnavailable}
		changed = append([]int{http.StatusNotFound, http.StatusConflict}, written...)
		get     = func(path, summary string, answer reflect.Type, errors []int, query ...Parameter) Operation {
			return Operation{Method: http.MethodGet, Path: path, Summary: summary, Query: query, Status: http.StatusOK, Answer: answer, Errors: errors}
		}
		post = func(path, summary string, body reflect.Type, status int, answer reflect.Type, errors []int) Operation {
			return Operation{Method: http.MethodPost, Path: path, Summary: summary, Body: body, Status: status, Answer: answer, Errors: errors}
		}
		remove = func(path, summary string) Operation {
			return Operation{Method: http.MethodDelete, Path: path, Summary: summary, Status: http.StatusNoContent, Errors: append([]int{http.StatusServiceUnavailable}, found...)}
		}
	)
	return []Operation{
		{Method: http.MethodGet, Path: "/docs/*page", Summary: "A page of the documentation, by its path or the name of what it is about.", Status: http.StatusOK, Media: html, Errors: []int{http.StatusNotFound}},
		{Method: http.MethodGet, Path: "/metrics", Summary: "Prometheus metrics.", Status: http.StatusOK, Media: text},
		get("/-/healthy", "The process answers.", reflect.TypeFor[status](), nil),
		get("/-/ready", "Messages can be taken: the journal can be written, and has room. 503 says why not.", reflect.TypeFor[status](), []int{http.StatusServiceUnavailable}),
		{Method: http.MethodPost, Path: "/-/reload", Summary: "Read the configuration again. 500 says what is wrong, and the one before stays.", Status: http.StatusOK, Answer: reflect.TypeFor[status](), Errors: []int{http.StatusInternalServerError}},

		get("/api/v1/runs", "Runs, the newest first: the live and the last ended ones.", reflect.TypeFor[runList](), asked, runs...),
		get("/api/v1/runs/:id", "One run with its steps.", reflect.TypeFor[Run](), found),
		get("/api/v1/episodes", "Episodes, the newest first.", reflect.TypeFor[episodeList](), asked, append(append([]Parameter{}, target...), open, since, limit)...),
		get("/api/v1/episodes/:id", "One episode, by its id, its alert's fingerprint, the beginning of its alert's name, or cluster/member.", reflect.TypeFor[Episode](), found),
		get("/api/v1/plans", "What runs were opened to do.", reflect.TypeFor[planList](), asked, runs...),
		post("/api/v1/plans", "What would happen for an alert if it came now. Nothing is changed.", reflect.TypeFor[PlanRequest](), http.StatusOK, reflect.TypeFor[Foresight](), append([]int{http.StatusNotFound}, written...)),
		get("/api/v1/journal", "Records as they stand in the journal, byte by byte: from a sequence number on, or all about one run or episode.", reflect.TypeFor[recordList](), found,
			Parameter{Name: "from", Type: "integer", Says: "The first sequence number."}, limit, by("about", "A run's or an episode's id; not with from and limit.")),
		get("/api/v1/playbooks", "The playbooks of the running configuration, and what holds for each on which cluster.", reflect.TypeFor[playbookList](), nil),
		get("/api/v1/guards", "The guards in the order in which they are asked, with their reasons and settings.", reflect.TypeFor[guardList](), nil),
		get("/api/v1/state", "The server in one look.", reflect.TypeFor[State](), nil),
		get("/api/v1/pauses", "What is paused.", reflect.TypeFor[pauseList](), nil),
		post("/api/v1/pauses", "Stop all mutations: of one cluster, or of all.", reflect.TypeFor[pauseRequest](), http.StatusCreated, reflect.TypeFor[Pause](), changed),
		remove("/api/v1/pauses/:id", "End a pause."),
		post("/api/v1/releases", "Free an episode's slots after unknown, and close its circuit.", reflect.TypeFor[releaseRequest](), http.StatusNoContent, nil, changed),
		post("/api/v1/closures", "Close an episode by a person's word.", reflect.TypeFor[closureRequest](), http.StatusNoContent, nil, changed),
		get("/api/v1/undos", "What ended runs left and fettle takes back by itself, the oldest first.", reflect.TypeFor[undoList](), nil),
		get("/api/v1/undos/:id", "What would take a run back; 409 says why nothing can.", reflect.TypeFor[Undo](), append([]int{http.StatusConflict}, found...)),
		post("/api/v1/undos", "Take a run back, through the guards; 409 says why nothing can.", reflect.TypeFor[undoRequest](), http.StatusCreated, reflect.TypeFor[Undo](), changed),
		remove("/api/v1/undos/:id", "Have fettle take back by itself no more what a run left."),
		post("/api/v1/approvals", "Approve what an episode waits for, while the premise is the present one; 409 says what stands against it.", reflect.TypeFor[approvalRequest](), http.StatusCreated, reflect.TypeFor[Approved](), changed),
		post("/api/v1/acknowledgements", "Say that what people are told of an episode is known.", reflect.TypeFor[acknowledgementRequest](), http.StatusNoContent, nil, changed),
	}
}
