-- What each part (a month) of a published table was read from, and how many rows it has: what is the same is not read again.
CREATE TABLE meta.published_parts (
	name text NOT NULL,
	part text NOT NULL,
	files text NOT NULL,
	rows bigint NOT NULL,
	PRIMARY KEY (name, part)
);
COMMENT ON TABLE meta.published_parts IS 'digest of the files that each part of a published table was read from';
SELECT meta.share('meta.published_parts');
