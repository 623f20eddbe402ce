package journey;

/** Quarkus wants an application. This one does nothing: only the pages of its development mode are used. */
public class Page {}
