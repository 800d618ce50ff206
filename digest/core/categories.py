"""The subject classes of arXiv: their full names, what readers call them, and their short forms."""

from __future__ import annotations

import re

_GROUPS: dict[str, str] = {
    "cs": """
        AI Artificial Intelligence | AR Hardware Architecture | CC Computational Complexity
        | CE Computational Engineering, Finance, and Science | CG Computational Geometry | CL Computation and Language
        | CR Cryptography and Security | CV Computer Vision and Pattern Recognition | CY Computers and Society
        | DB Databases | DC Distributed, Parallel, and Cluster Computing | DL Digital Libraries
        | DM Discrete Mathematics | DS Data Structures and Algorithms | ET Emerging Technologies
        | FL Formal Languages and Automata Theory | GL General Literature | GR Graphics
        | GT Computer Science and Game Theory | HC Human-Computer Interaction | IR Information Retrieval
        | IT Information Theory | LG Machine Learning | LO Logic in Computer Science | MA Multiagent Systems
        | MM Multimedia | MS Mathematical Software | NA Numerical Analysis | NE Neural and Evolutionary Computing
        | NI Networking and Internet Architecture | OH Other Computer Science | OS Operating Systems
        | PF Performance | PL Programming Languages | RO Robotics | SC Symbolic Computation | SD Sound
        | SE Software Engineering | SI Social and Information Networks | SY Systems and Control""",
    "stat": """
        AP Applications | CO Computation | ME Methodology | ML Machine Learning (Statistics) | OT Other Statistics
        | TH Statistics Theory""",
    "eess": """
        AS Audio and Speech Processing | IV Image and Video Processing | SP Signal Processing
        | SY Systems and Control""",
    "math": """
        AC Commutative Algebra | AG Algebraic Geometry | AP Analysis of PDEs | AT Algebraic Topology
        | CA Classical Analysis and ODEs | CO Combinatorics | CT Category Theory | CV Complex Variables
        | DG Differential Geometry | DS Dynamical Systems | FA Functional Analysis | GM General Mathematics
        | GN General Topology | GR Group Theory | GT Geometric Topology | HO History and Overview
        | IT Information Theory | KT K-Theory and Homology | LO Logic | MG Metric Geometry | MP Mathematical Physics
        | NA Numerical Analysis | NT Number Theory | OA Operator Algebras | OC Optimization and Control
        | PR Probability | QA Quantum Algebra | RA Rings and Algebras | RT Representation Theory
        | SG Symplectic Geometry | SP Spectral Theory | ST Statistics Theory""",
    "q-bio": """
        BM Biomolecules | CB Cell Behavior | GN Genomics | MN Molecular Networks | NC Neurons and Cognition
        | OT Other Quantitative Biology | PE Populations and Evolution | QM Quantitative Methods
        | SC Subcellular Processes | TO Tissues and Organs""",
    "q-fin": """
        CP Computational Finance | EC Economics | GN General Finance | MF Mathematical Finance
        | PM Portfolio Management | PR Pricing of Securities | RM Risk Management | ST Statistical Finance
        | TR Trading and Market Microstructure""",
    "econ": "EM Econometrics | GN General Economics | TH Theoretical Economics",
    "astro-ph": """
        CO Cosmology and Nongalactic Astrophysics | EP Earth and Planetary Astrophysics | GA Astrophysics of Galaxies
        | HE High Energy Astrophysical Phenomena | IM Instrumentation and Methods for Astrophysics
        | SR Solar and Stellar Astrophysics""",
    "nlin": """
        AO Adaptation and Self-Organizing Systems | CD Chaotic Dynamics | CG Cellular Automata and Lattice Gases
        | PS Pattern Formation and Solitons | SI Exactly Solvable and Integrable Systems""",
    "cond-mat": """
        dis-nn Disordered Systems and Neural Networks | mes-hall Mesoscale and Nanoscale Physics
        | mtrl-sci Materials Science | other Other Condensed Matter | quant-gas Quantum Gases
        | soft Soft Condensed Matter | stat-mech Statistical Mechanics | str-el Strongly Correlated Electrons
        | supr-con Superconductivity""",
    "physics": """
        acc-ph Accelerator Physics | ao-ph Atmospheric and Oceanic Physics | app-ph Applied Physics
        | atm-clus Atomic and Molecular Clusters | atom-ph Atomic Physics | bio-ph Biological Physics
        | chem-ph Chemical Physics | class-ph Classical Physics | comp-ph Computational Physics
        | data-an Data Analysis, Statistics and Probability | ed-ph Physics Education | flu-dyn Fluid Dynamics
        | gen-ph General Physics | geo-ph Geophysics | hist-ph History and Philosophy of Physics
        | ins-det Instrumentation and Detectors | med-ph Medical Physics | optics Optics | plasm-ph Plasma Physics
        | pop-ph Popular Physics | soc-ph Physics and Society | space-ph Space Physics""",
}

_WHOLE: dict[str, str] = {  # archives that are one class, and archives that were one before they were divided
    "gr-qc": "General Relativity and Quantum Cosmology",
    "hep-ex": "High Energy Physics: Experiment",
    "hep-lat": "High Energy Physics: Lattice",
    "hep-ph": "High Energy Physics: Phenomenology",
    "hep-th": "High Energy Physics: Theory",
    "math-ph": "Mathematical Physics",
    "nucl-ex": "Nuclear Experiment",
    "nucl-th": "Nuclear Theory",
    "quant-ph": "Quantum Physics",
    "astro-ph": "Astrophysics",
    "cond-mat": "Condensed Matter",
    "q-bio": "Quantitative Biology",
}


def _read_groups() -> dict[str, str]:
    names: dict[str, str] = {}
    for archive, classes in _GROUPS.items():
        for line in classes.split("|"):
            short, name = line.split(maxsplit=1)
            names[f"{archive}.{short}"] = " ".join(name.split())
    return names


CATEGORY_NAMES: dict[str, str] = _read_groups() | _WHOLE
"""Every arXiv category by its full name, such as `cs.LG`, with the name that readers know."""

_SHAPE = re.compile(r"(?P<archive>[a-z]+(?:-[a-z]+)?)(?:\.(?P<short>[A-Z]{2}|[a-z]+(?:-[a-z]+)?))?")
# Archives that arXiv folded into others; their categories still stand in old records.
_FOLDED = frozenset(
    {"acc-phys", "adap-org", "alg-geom", "ao-sci", "atom-ph", "bayes-an", "chao-dyn", "chem-ph", "cmp-lg"}
    | {"comp-gas", "dg-ga", "funct-an", "mtrl-th", "patt-sol", "plasm-ph", "q-alg", "solv-int", "supr-con"}
)


def _read_shorts() -> dict[str, str]:
    shorts: dict[str, str] = {}
    for full in CATEGORY_NAMES:  # in the order of _GROUPS: where two archives share a short form, the first has it
        shorts.setdefault(full.partition(".")[2] or full, full)
    return shorts


_SHORTS = _read_shorts()
_FULL_BY_FOLDED = {full.casefold(): full for full in CATEGORY_NAMES}


def full_category(short: str) -> str:
    """Return the full name of a class written short: `LG` is `cs.LG`, `ML` is `stat.ML`, `OC` is `math.OC`.

    A full name comes back as it is, whatever its case. Where two archives share a short form, cs is taken before
    stat, eess, math and the rest. Raises ValueError for anything else.
    """
    text = short.strip()
    full = text if text in CATEGORY_NAMES else _SHORTS.get(text) or _FULL_BY_FOLDED.get(text.casefold())
    if full is None:
        raise ValueError(f"not an arXiv category: {short[:40]!r}")
    return full


def is_category(text: str) -> bool:
    """Tell whether a text is a full arXiv category, also one that is too new or too old for the list here.

    Says no to the MSC and ACM classes (`68T05`, `I.2.7`) that arXiv mixes into the same field.
    """
    if text in CATEGORY_NAMES or text in _FOLDED:
        return True
    match = _SHAPE.fullmatch(text)
    return bool(match and match["short"] and match["archive"] in _GROUPS)


def category_name(category: str) -> str:
    """Return the name that readers know, such as `Robotics` for `cs.RO`; an unknown category is its own name."""
    return CATEGORY_NAMES.get(category, category)
