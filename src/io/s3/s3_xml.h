/* io/s3/s3_xml.h: the element texts of S3's answers, which are small and flat. No namespaces, attributes, DTD or CDATA: what
 * is not understood ends the walk. Reads no byte past its end and copies nothing; untrusted input. */
#ifndef PQR_IO_S3_S3_XML_H
#define PQR_IO_S3_S3_XML_H

#include "base/buf.h"

struct s3_xml { /* what is left between two tags of one level */
	const char *p, *end;
};
static inline struct s3_xml s3_xml_of(struct str text)
{
	return (struct s3_xml){text.p, text.p + text.n};
}
/* The next element of this level: its name and what stands between its tags, both views. false: there is none, or the text
 * is no well-formed XML from here on. O(bytes of the element). */
bool s3_xml_next(struct s3_xml *x, struct str *name, struct str *inside) MUST_USE;
/* The first child of that name; false: none. */
bool s3_xml_child(struct str inside, const char *name, struct str *out) MUST_USE;
/* Its text with entities and character references resolved, into dst[size] with a NUL. false: none, too long, or an entity
 * that is not one of XML's five; dst is "" then. */
bool s3_xml_text(struct str inside, const char *name, char *dst, size_t size) MUST_USE;
/* The root element, if it has this name. */
bool s3_xml_root(struct str text, const char *name, struct str *inside) MUST_USE;

#endif
