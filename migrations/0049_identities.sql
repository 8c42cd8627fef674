-- +goose Up

-- People who sign in with the company's identity provider: whom the provider means by which subject.
CREATE TABLE identities (
    principal_id  bigint        PRIMARY KEY REFERENCES principals (id),
    issuer        varchar(500)  COLLATE "C" NOT NULL,
    subject       varchar(255)  COLLATE "C" NOT NULL,
    created_at    timestamptz   NOT NULL DEFAULT now(),
    UNIQUE (issuer, subject)
);
