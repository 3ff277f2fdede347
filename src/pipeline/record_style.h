/* The style of a report's page. The page's policy (web/index.html) allows it by its SHA-256: tests/node/record.test.mjs
 * says the digest when it changes. */
#ifndef NSC_PIPELINE_RECORD_STYLE_H
#define NSC_PIPELINE_RECORD_STYLE_H

static const char nsc_record_style[] =
    ":root{color-scheme:light;--line:#ccd2d9;--quiet:#48525e}"
    "*{box-sizing:border-box;print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "body{margin:0;background:#fff;color:#000;font:13px/1.4 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',"
    "'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;font-variant-numeric:tabular-nums}"
    "main{max-width:820px;margin:0 auto;padding:20px 16px}"
    "header{display:flex;flex-wrap:wrap;justify-content:space-between;align-items:baseline;gap:4px 16px}"
    "h1{font-size:20px;margin:0}h2{font-size:13px;margin:0 0 4px}p{margin:4px 0}"
    ".notice,.warning{border-left:3px solid #c4500c;padding-left:8px;font-weight:600}"
    ".quiet,figcaption,dt,th{color:var(--quiet)}"
    "section{border:1px solid var(--line);border-radius:6px;padding:8px 10px;margin-top:8px;break-inside:avoid}"
    ".facts{display:flex;flex-wrap:wrap;gap:0 8px}.facts>section{flex:1 1 240px;min-width:0}"
    ".verdict{font-size:20px}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:1px 10px;margin:0}dd{margin:0;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}th,td{padding:2px 6px;text-align:right;font-weight:400}"
    "th:first-child,td:first-child{text-align:left}tr+tr>*{border-top:1px solid var(--line)}"
    "td.bar{width:40%}td.bar svg{display:block;width:100%;height:8px}td.bar rect{fill:#1f5fb4}"
    "td.bar rect.track{fill:#e4e7eb}td.bar path{stroke:#c4500c;stroke-width:1;vector-effect:non-scaling-stroke}"
    ".pictures{display:grid;grid-template-columns:1fr 1fr;gap:8px;margin-top:8px;align-items:start}"
    "figure{margin:0;break-inside:avoid}figcaption{font-size:12px;margin-top:3px}"
    ".film{position:relative;background:#000;border-radius:4px;overflow:hidden}"
    ".film svg{display:block;width:100%;max-height:88mm}"
    ".film span{position:absolute;color:#fff;font-size:12px;text-shadow:0 0 3px #000}"
    ".film .left{left:4px;top:48%}.film .right{right:4px;top:48%}.film .top{top:2px;left:49%}"
    ".film .bottom{bottom:2px;left:49%}"
    ".marks{fill:none;stroke:#ffd84a}.marks text{fill:#ffd84a;paint-order:stroke}"
    ".regions{fill:none;stroke:#fff}.regions text{fill:#fff;text-anchor:middle}"
    "@page{size:A4;margin:12mm}"
    "@media print{body{font-size:10.5px}main{max-width:none;padding:0}.verdict{font-size:15px}h1{font-size:16px}"
    "h2{font-size:11px}figcaption{font-size:9.5px}section{margin-top:5px;padding:5px 8px}.film svg{max-height:78mm}}";

#endif
