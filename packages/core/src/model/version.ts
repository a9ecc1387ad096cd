/** Name and major version of the report's form. In a file of its own, so that naming it does not load the schemas. */
export const REPORT_SCHEMA = "assay.report/1";
