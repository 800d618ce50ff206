// The subscribe box begins with the zone that the browser knows; without this script it begins with UTC.
(() => {
  const box = document.querySelector("form.subscribe details.when");
  if (!box) return;
  const [hour, zone] = [box.querySelector("select[name=hour]"), box.querySelector("select[name=timezone]")];
  const say = () => {
    const named = zone.selectedOptions[0].text;
    box.querySelector("[data-when]").textContent = `${hour.selectedOptions[0].text} (${named})`;
  };
  const guess = Intl.DateTimeFormat().resolvedOptions().timeZone || "";
  if (!box.hasAttribute("data-chosen") && /^[A-Za-z0-9_+/-]{1,64}$/.test(guess)) {
    if (![...zone.options].some((one) => one.value === guess)) zone.add(new Option(guess.replaceAll("_", " "), guess));
    zone.value = guess;
  }
  for (const select of [hour, zone]) select.addEventListener("change", say);
  say();
})();
