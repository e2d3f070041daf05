// Paints Swarm in the book. mdBook's own highlighter does not know the language and leaves its blocks alone.
(function () {
  // made
  const KEYWORDS = "IF THEN ELSE FOR IN WHERE WHILE MATCH WHEN LET RETURN BREAK CONTINUE AND OR NOT MOD DIV CONTAINS TRUE FALSE NONE WITHIN REQUIRE COUNT SUM MIN MAX AVG ANY ALL COLLECT TOP BOTTOM EACH STOP FAIL RECORD PHASE TRY RETRY TIMES BACKOFF BY INSTRUCTION USE AS CONST TYPE ENUM CONTEXT INPUT METRIC STATE ACTION QUERY EVENT FUNC ON EVERY VETO BECAUSE TEST PRIORITY DEADLINE BUDGET TARGET AGENTS ROLLOUT AFTER ROLLBACK HALT EXPECT REPORT TOTAL GAUGE DISTRIBUTION REQUIRES IDEMPOTENT ONCE COSTS KEY GIVEN RUN NO ACTIONS FAILS AGENT UP TO";

  const swarm = () => ({
    case_insensitive: false,
    keywords: { $pattern: /[A-Za-z_]\w*/, keyword: KEYWORDS, literal: "TRUE FALSE NONE NaN",
      type: "int float bool string list map percent duration bytes bandwidth money tokens time" },
    contains: [
      { className: "comment", begin: /\/\//, end: /$/ },
      { className: "string", begin: /"/, end: /"/, contains: [
        { begin: /\\./ },
        { className: "subst", begin: /\{/, end: /\}/ },
      ] },
      { className: "number",
        begin: /\$\d[\d_]*(\.\d+)?(\/[a-z]+)?|\b\d[\d_]*(\.\d+)?(e[+-]?\d+)?(%|(ns|us|ms|s|min|h|d|B|[KMGT]i?B|[KMGT]?bps|USD)\b)?(\/[a-z]+\b)?/ },
      { className: "title", begin: /\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+(?=\()/ },
    ],
  });

  hljs.registerLanguage("swarm", swarm);
  document.querySelectorAll("code.language-swarm").forEach((block) => hljs.highlightBlock(block));
})();
